import { isPoolError } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import { read, type TaskRecord } from '../../contract/task-record.js'
import { guarded } from '../wire/hooks.js'

/** What a client is told of a failed task. */
export interface TicketError {
  /** For programs: the error's own code, without `ERR_` when it is this library's; `TASK_FAILED` when it has none. */
  readonly code: string
  /** For people: "the task failed" unless the error is known to hold nothing secret. */
  readonly message: string
}

/**
 * Says what a client may know of a failure: a code, a message, both, or `undefined` for what is told without it.
 *
 * @param error - what the task threw, unchanged
 * @param record - the task's record
 */
export type DescribeError = (error: unknown, record: TaskRecord) => Partial<TicketError> | undefined

/** How failures are told. */
export interface FailureRules {
  readonly describeError: DescribeError | undefined
  /** Where an error of `describeError` goes. */
  readonly report: (error: unknown) => void
}

const UNSAID: TicketError = { code: 'TASK_FAILED', message: 'the task failed' }

/**
 * What a client may know of why a task failed; `null` when it did not. The messages of errors hold paths, queries and
 * secrets, so only those are shown that are this library's and name no other task, that say so themselves (`expose` is
 * `true`), or that `describeError` gives. What was given to a cancel is never shown.
 */
export async function failureOf(task: Task, record: TaskRecord, rules: FailureRules): Promise<TicketError | null> {
  if (record.state !== 'failed') return null
  const { thrown } = await reasonOf(task)
  const usual = usualError(thrown, record)
  const own = described(thrown, record, rules)
  return { code: own?.code ?? usual.code, message: own?.message ?? usual.message }
}

/** In a box: a promise that was thrown would be waited for, and its value taken for the error. */
function reasonOf(task: Task): Promise<{ readonly thrown: unknown }> {
  return task.result().then(
    () => ({ thrown: undefined }),
    (thrown: unknown) => ({ thrown })
  )
}

function usualError(error: unknown, record: TaskRecord): TicketError {
  const code = record.error?.code ?? UNSAID.code
  const isOurs = isPoolError(error)
  const isShown = (isOurs && !namesAnother(error, record)) || read(error, 'expose') === true
  return {
    code: isOurs && code.startsWith('ERR_') ? code.slice('ERR_'.length) : code,
    message: (isShown ? record.error?.message : undefined) ?? UNSAID.message
  }
}

/** The error of a task inside the task: its id or its key is not for who asks about this one. */
function namesAnother(error: unknown, { id, key }: TaskRecord): boolean {
  return (read(error, 'id') ?? id) !== id || (read(error, 'key') ?? key) !== key
}

type Described = { readonly [K in keyof TicketError]: string | undefined }

function described(error: unknown, record: TaskRecord, rules: FailureRules): Described | undefined {
  const { describeError, report } = rules
  if (describeError === undefined) return undefined
  return guarded(
    'describeError',
    () => describeError(error, record),
    (own) => ({ code: nonEmpty(own?.code), message: nonEmpty(own?.message) }),
    report
  )
}

function nonEmpty(text: unknown): string | undefined {
  return typeof text === 'string' && text !== '' ? text : undefined
}
