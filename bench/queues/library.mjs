/** The built library: what is measured is what is published. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** @type {(dist: string) => Promise<typeof import('coatcheck')>} */
export const library = (dist) => import(pathToFileURL(join(dist, 'index.js')).href)

/** @type {(dist: string) => Promise<typeof import('coatcheck/http')>} */
export const httpLibrary = (dist) => import(pathToFileURL(join(dist, 'http', 'index.js')).href)

/**
 * Makes pools that have room for every task of a measurement.
 *
 * @param {string} dist
 * @param {Partial<import('coatcheck').WorkerPoolOptions>} [common]
 * @returns {Promise<(options?: Partial<import('coatcheck').WorkerPoolOptions>) => import('coatcheck').WorkerPool>}
 */
export const pools = async (dist, common) => {
  const { WorkerPool } = await library(dist)
  return (options) => new WorkerPool({ concurrency: 10, queueCapacity: 10_000_000, ...common, ...options })
}
