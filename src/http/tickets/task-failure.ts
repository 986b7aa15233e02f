import { isPoolError } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import { read, type TaskRecord } from '../../contract/task-record.js'
import type { Hooks } from '../wire/hooks.js'

/** The error of a failed task, as clients read it. */
export interface TicketError {
  /** For programs: the error's code, without `ERR_` for errors of this library; `TASK_FAILED` when it has none. */
  readonly code: string
  /** For people: "the task failed" unless the error's message is known to be safe. */
  readonly message: string
}

/**
 * Chooses what clients read of a failure: a code, a message or both. The default applies to what it leaves out.
 *
 * @param error - the value that the task threw
 * @param record - the task's record
 */
export type DescribeError = (error: unknown, record: TaskRecord) => Partial<TicketError> | undefined

/** How failures are described. */
export interface FailureRules {
  readonly describeError: DescribeError | undefined
  readonly hooks: Hooks
}

const DEFAULT: TicketError = { code: 'TASK_FAILED', message: 'the task failed' }

/**
 * The error of a failed task; `null` for any other task. Messages may contain paths, queries and secrets. One is shown
 * only if it is an error of this library that names no other task, if its `expose` is `true`, or if `describeError`
 * returned it. The reason passed to a cancel is never shown.
 */
export function failureOf(task: Task, record: TaskRecord, rules: FailureRules): TicketError | null {
  if (record.state !== 'failed') return null
  // Not by `result()`: then the failure would count as observed, and nobody but the client would learn of it.
  const thrown = task.error
  const usual = defaultError(thrown, record)
  const own = described(thrown, record, rules)
  return { code: own?.code ?? usual.code, message: own?.message ?? usual.message }
}

function defaultError(error: unknown, record: TaskRecord): TicketError {
  const code = record.error?.code ?? DEFAULT.code
  const isOurs = isPoolError(error)
  const isShown = (isOurs && !namesAnother(error, record)) || read(error, 'expose') === true
  return {
    code: isOurs && code.startsWith('ERR_') ? code.slice('ERR_'.length) : code,
    message: (isShown ? record.error?.message : undefined) ?? DEFAULT.message
  }
}

/** Whether an error names the id or key of another task, which this ticket's client may not read. */
function namesAnother(error: unknown, { id, key }: TaskRecord): boolean {
  return (read(error, 'id') ?? id) !== id || (read(error, 'key') ?? key) !== key
}

type Described = { readonly [K in keyof TicketError]: string | undefined }

function described(error: unknown, record: TaskRecord, rules: FailureRules): Described | undefined {
  const { describeError, hooks } = rules
  if (describeError === undefined) return undefined
  return hooks.result(
    'describeError',
    () => describeError(error, record),
    (own) => ({ code: nonEmpty(own?.code), message: nonEmpty(own?.message) })
  )
}

function nonEmpty(text: unknown): string | undefined {
  return typeof text === 'string' && text !== '' ? text : undefined
}
