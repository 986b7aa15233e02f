/**
 * What a piece of work costs: user and system time of this process, which holds garbage collection and is harmed less
 * by a busy machine than the time on the wall; that is measured beside it.
 */

/** @typedef {{ cpu: number, wall: number }} Cost Nanoseconds per operation. */

/** @type {(operations: number, work: () => unknown) => Promise<Cost>} */
export const cost = async (operations, work) => {
  const started = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  const wall = performance.now() - started
  return { cpu: ((user + system) * 1e3) / operations, wall: (wall * 1e6) / operations }
}
