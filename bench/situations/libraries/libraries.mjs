/** The libraries, in the order in which they are shown. */
import { asyncQueue } from './async-queue.mjs'
import { bottleneck } from './bottleneck.mjs'
import { bullmq } from './bullmq.mjs'
import { coatcheck, coatcheckStored } from './coatcheck.mjs'
import { fastQueue } from './fastq.mjs'
import { pLimited } from './p-limit.mjs'
import { pQueue } from './p-queue.mjs'
import { piscina } from './piscina.mjs'
import { plainPromise } from './plain-promise.mjs'

/** @type {readonly import('../types.js').Library[]} */
export const libraries = [
  coatcheck,
  coatcheckStored,
  plainPromise,
  pLimited,
  pQueue,
  fastQueue,
  asyncQueue,
  bottleneck,
  piscina,
  bullmq
]
