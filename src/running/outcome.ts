import { read } from '../contract/task-record.js'
import type { Abort } from '../task/task-context.js'

/**
 * Whether an attempt threw because it was asked to end: the error is the reason on its signal, has it as its cause (as
 * the errors of `node:timers/promises` do), or is an `AbortError`. Any other error is the task's own.
 */
export function gaveUp(error: unknown, abort: Abort): boolean {
  if (Object.is(error, abort.reason) || read(error, 'name') === 'AbortError') return true
  return Object.is(read(error, 'cause'), abort.reason)
}
