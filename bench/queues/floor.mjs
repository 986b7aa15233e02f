/**
 * What no bounded queue can go below: a count of the tasks that run, a list of those that wait, one bare promise for each
 * task. No ticket, no state, no cancel, no time, no books, and tasks that never fail.
 *
 * @param {number} concurrency
 * @param {number} capacity
 */
export const floor = (concurrency, capacity) => {
  /** @typedef {{ task: () => Promise<unknown>, resolve: (value: unknown) => void, next: Waiting | undefined }} Waiting */
  /** @type {Waiting | undefined} */
  let first
  /** @type {Waiting | undefined} */
  let last
  let queued = 0
  let running = 0

  /** @type {(task: () => Promise<unknown>, resolve: (value: unknown) => void) => void} */
  const start = (task, resolve) => {
    task().then((value) => {
      resolve(value)
      const waiting = first
      if (waiting === undefined) {
        running--
        return
      }
      first = waiting.next
      queued--
      start(waiting.task, waiting.resolve)
    })
  }

  /** @type {(task: () => Promise<unknown>) => Promise<unknown>} */
  return (task) =>
    new Promise((resolve, reject) => {
      if (running < concurrency) {
        running++
        start(task, resolve)
        return
      }
      if (queued === capacity) {
        reject(new Error('The queue is full.'))
        return
      }
      const waiting = { task, resolve, next: undefined }
      if (first === undefined || last === undefined) first = waiting
      else last.next = waiting
      last = waiting
      queued++
    })
}
