import type { UnobservedSource } from './options.js'
import { describeError, oneLine } from './task-record.js'

/** Characters of a ticket that a log may have: a whole ticket gives access to the task. */
const TICKET_CHARACTERS = 8

/** Prints an error that is reported nowhere else: one line, then the error with its stack and cause. Never throws. */
export function printError(error: unknown, { task, event }: UnobservedSource): void {
  const { name, message } = describeError(error)
  const where = event === undefined ? 'unobserved error' : `error in a listener of "${event}"`
  const ticket = task?.id.slice(0, TICKET_CHARACTERS)
  const whose = task === undefined ? '' : ` of task ${task.name === undefined ? '' : `"${task.name}" `}${ticket}`
  const line = oneLine(`coatcheck: ${where}${whose}: ${name}: ${message}`)
  if (!print(`${line}\n`, error)) print(line)
}

/** An error may have a form of its own that throws, and so may a console. */
function print(...parts: readonly unknown[]): boolean {
  try {
    // biome-ignore lint/suspicious/noConsole: the default where no hook is given
    console.error(...parts)
    return true
  } catch {
    return false
  }
}
