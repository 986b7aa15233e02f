/** What the figures were taken on. */
import { arch, availableParallelism, cpus, totalmem, type } from 'node:os'

/** @type {() => import('../results.js').Machine} */
export const machine = () => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryGigabytes: Math.round(totalmem() / 2 ** 30),
  system: `${type()} ${arch()}`
})
