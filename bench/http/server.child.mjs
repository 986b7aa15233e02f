/** One server in a process of its own, which tells its processor time when it is asked. */
import { serve } from './serve.mjs'
import { serverOf } from './servers.mjs'

/** @typedef {{ dist: string, kind: string, full: boolean }} Question */

/** @type {Question} */
const { dist, kind, full } = JSON.parse(process.argv[2] ?? '{}')
const { server, ticket } = await serverOf(kind, full, dist)
serve(server, () => process.cpuUsage(), { ticket })
