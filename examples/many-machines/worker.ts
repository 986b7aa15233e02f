/** One of the workers of `many-machines.ts`. Its argument is the port of Redis. */
import { openPool } from './pool.js'

const pool = await openPool(Number(process.argv[2]))
pool.start()
process.once('SIGTERM', async () => {
  const { interrupted, aborted } = await pool.stop({ graceMs: 5_000 })
  process.exit(interrupted.count + aborted.count === 0 ? 0 : 1)
})
process.send?.('works')
