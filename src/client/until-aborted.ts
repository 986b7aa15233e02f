import type { ClientClock } from './clock.js'

/**
 * The promise, or a rejection with the signal's reason as soon as it aborts; the promise's outcome is then ignored. Removes
 * its listener.
 */
export function untilAborted<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason)
    const done = (): void => signal.removeEventListener('abort', leave)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    promise.then(
      (value) => {
        done()
        resolve(value)
      },
      (error: unknown) => {
        done()
        reject(error)
      }
    )
  })
}

/** A pause, in milliseconds. Rejects with the signal's reason as soon as it aborts, and clears its timer. */
export async function pause(ms: number, clock: Pick<ClientClock, 'timer'>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (ms === 0) return
  await new Promise<void>((resolve, reject) => {
    const alarm = clock.timer(() => {
      signal.removeEventListener('abort', leave)
      resolve()
    })
    const leave = (): void => {
      alarm.clear()
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    alarm.set(ms)
  })
}
