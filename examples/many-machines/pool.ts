/** What servers and workers have in common: in a program of its own, this file is imported by both. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sharedPool } from 'coatcheck/bullmq'

const print = ({ pages }: { readonly pages: number }) => sleep(50 * pages, { pages }) // the work

export const openPool = (redisPort: number) =>
  sharedPool({
    name: 'prints',
    connection: { host: '127.0.0.1', port: redisPort },
    concurrency: 4, // of each worker
    queueCapacity: 40, // over all processes
    leaseMs: 1_000, // short, so that the demonstration is
    handlers: { print: { run: print, rerun: true } },
    // An outage longer than the lease: Redis refuses the result, and the task is called again.
    onUnobservedError: (error) => console.log(`         ${error instanceof Error ? error.message : error}`)
  })
