import { inspect } from 'node:util'
import type { UnobservedSource } from './options.js'
import { describeError, oneLine } from './task-record.js'

/** Characters of a ticket that a log may have: a whole ticket gives access to the task. */
const TICKET_CHARACTERS = 8

/** Prints an error that is reported nowhere else: one line, then the error with its stack and cause. Never throws. */
export function printError(error: unknown, { task, event }: UnobservedSource): void {
  const { name, message } = describeError(error)
  const where = event === undefined ? 'unobserved error' : `error in a listener of "${event}"`
  const id = task?.id ?? ''
  const whose = task === undefined ? '' : ` of task ${task.name === undefined ? '' : `"${task.name}" `}${id}`
  const line = withoutTicket(oneLine(`coatcheck: ${where}${whose}: ${name}: ${message}`), id)
  if (!print(() => [`${line}\n`, shown(error, id)])) print(() => [line])
}

/** The error itself, for the console to print; as text if it names the task by the whole ticket, as errors of ours do. */
function shown(error: unknown, id: string): unknown {
  if (id.length <= TICKET_CHARACTERS) return error
  const text = inspect(error)
  return text.includes(id) ? withoutTicket(text, id) : error
}

function withoutTicket(text: string, id: string): string {
  return id.length <= TICKET_CHARACTERS ? text : text.replaceAll(id, id.slice(0, TICKET_CHARACTERS))
}

/** An error may have a form of its own that throws, and so may a console. */
function print(parts: () => readonly unknown[]): boolean {
  try {
    // biome-ignore lint/suspicious/noConsole: the default where no hook is given
    console.error(...parts())
    return true
  } catch {
    return false
  }
}
