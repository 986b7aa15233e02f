import { microtasks } from './manual-clock.js'

/**
 * Runs a step and returns what the process received meanwhile, in place of the listeners of the test runner: errors
 * that were not caught, or rejections that were not handled.
 */
export async function uncaughtIn(
  event: 'uncaughtException' | 'unhandledRejection',
  step: () => unknown
): Promise<unknown[]> {
  const caught: unknown[] = []
  const others = process.listeners(event as 'uncaughtException')
  process.removeAllListeners(event)
  process.on(event, (error: unknown) => caught.push(error))
  try {
    await step()
    await microtasks()
    await microtasks()
  } finally {
    process.removeAllListeners(event)
    for (const other of others) process.on(event, other)
  }
  return caught
}
