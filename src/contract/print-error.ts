import type { UnobservedSource } from './options.js'
import { describeError, oneLine } from './task-record.js'

/** Prints one line about an error that is reported nowhere else. Never throws. */
export function printError(error: unknown, { task, event }: UnobservedSource): void {
  const { name, message } = describeError(error)
  const where = event === undefined ? 'unobserved error' : `error in a listener of "${event}"`
  const whose = task === undefined ? '' : ` of task ${task.name === undefined ? '' : `"${task.name}" `}${task.id}`
  try {
    // biome-ignore lint/suspicious/noConsole: the default where no hook is given
    console.error(oneLine(`coatcheck: ${where}${whose}: ${name}: ${message}`))
  } catch {
    // A console that throws: there is no other place to report to.
  }
}
