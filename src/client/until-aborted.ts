import type { ClientClock } from './clock.js'

/**
 * What a promise comes to, or the signal's reason as soon as it aborts. Then whatever the promise comes to is nobody's
 * business any more. Leaves no listener.
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

/** A pause, in milliseconds. Rejects with the signal's reason as soon as it aborts; then no timer is left. */
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
