import { isPoolError, PoolError, type PoolErrorCode, withoutStack } from '../contract/errors.js'
import { StoreError } from '../contract/store-errors.js'
import {
  type CanceledReason,
  describeError,
  type ErrorRecord,
  read,
  resultText,
  type TaskProgress
} from '../contract/task-record.js'
import { CANCELED, FAILED, type Settled, SUCCEEDED } from '../scheduler/lifecycle.js'
import { Cancellation } from '../task/cancellation.js'
import type { Stored } from '../task/stored.js'
import type { PoolTask } from '../task/task.js'
import type { TaskDetails } from '../task/task-details.js'

/** The outcome of a task, as its row has it. */
interface Outcome {
  readonly progress?: TaskProgress | undefined
  readonly resultOmitted?: string | undefined
  readonly reason?: CanceledReason
  readonly error?: ErrorRecord | undefined
  /** The error is one of this library. It may name another task or key. */
  readonly ours?: { readonly id?: string; readonly key?: string } | undefined
  /** The error says that clients may read its message. */
  readonly expose?: true | undefined
}

/** An error of this library, read from a row: its code and message, without the other fields. */
class RestoredError extends PoolError {
  readonly code: PoolErrorCode

  constructor(code: PoolErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Keeps the JSON text of a result for row and record, or why there is none. */
export function keepResult(details: TaskDetails, stored: Stored, value: unknown, maxBytes: number): void {
  if (value === undefined) return
  const text = resultText(value)
  if (typeof text !== 'string') details.result = text
  else if (Buffer.byteLength(text) <= maxBytes) stored.result = text
  else details.result = { resultOmitted: `It has more than ${maxBytes} bytes.` }
}

/** The outcome as JSON text; null for one that the state tells. */
export function outcomeText(details: TaskDetails, to: Settled, payload: unknown): string | null {
  const { progress, stored, result } = details
  const text = partsText({ progress, ...partsOf(to, payload, result) })
  if (to !== SUCCEEDED || stored?.result === undefined) return text
  const others = text === null ? '' : `${text.slice(1, -1)},`
  return `{${others}"result":${stored.result}}`
}

function partsText(outcome: Outcome): string | null {
  const text = JSON.stringify(outcome)
  return text === '{}' ? null : text
}

function partsOf(to: Settled, payload: unknown, result: TaskDetails['result']): Outcome {
  if (to === FAILED) return failureOf(payload)
  if (to === CANCELED) return cancellationOf(payload as Cancellation)
  return result !== undefined && 'resultOmitted' in result ? { resultOmitted: result.resultOmitted } : {}
}

function failureOf(error: unknown): Outcome {
  return {
    error: describeError(error),
    ours: isPoolError(error) ? { ...textOf(error, 'id'), ...textOf(error, 'key') } : undefined,
    expose: read(error, 'expose') === true ? true : undefined
  }
}

function textOf(error: PoolError, name: 'id' | 'key'): { readonly [K in typeof name]?: string } {
  const text = read(error, name)
  return typeof text === 'string' ? { [name]: text } : {}
}

function cancellationOf({ reason, cause }: Cancellation): Outcome {
  return { reason, error: cause === undefined ? undefined : describeError(cause) }
}

/** Gives an ended task the outcome that its row has. */
export function restoreOutcome(task: PoolTask, text: string | null): void {
  const outcome = JSON.parse(text ?? '{}') as Outcome & { readonly result?: unknown }
  const details = task.detailed()
  if (outcome.progress !== undefined) details.progress = Object.freeze(outcome.progress)
  if (task.stage === FAILED) task.payload = restoredError(outcome)
  else if (task.stage === CANCELED) {
    const cause = outcome.error === undefined ? undefined : restoredError(outcome)
    task.payload = new Cancellation(outcome.reason ?? 'user', cause)
  } else restoreResult(task, outcome)
}

function restoreResult(task: PoolTask, outcome: Outcome & { readonly result?: unknown }): void {
  const details = task.detailed()
  const { resultOmitted } = outcome
  if (resultOmitted === undefined) {
    task.payload = outcome.result
    if ('result' in outcome && details.stored !== null) details.stored.result = JSON.stringify(outcome.result)
    return
  }
  details.result = { resultOmitted }
  const lost = Promise.reject(
    withoutStack(() => new StoreError(`The result of the task is not in the store: ${resultOmitted}`))
  )
  lost.catch(() => {}) // whoever asks for the result gets the rejection
  task.payload = lost
}

function restoredError({ error, ours, expose }: Outcome): unknown {
  const { name = 'Error', code, message = '' } = error ?? {}
  if (ours !== undefined && code !== undefined) {
    return Object.assign(
      withoutStack(() => new RestoredError(code as PoolErrorCode, message)),
      ours
    )
  }
  const restored = new Error(message)
  define(restored, 'name', name)
  define(restored, 'stack', `${name}: ${message}`)
  return Object.assign(restored, code === undefined ? {} : { code }, expose === undefined ? {} : { expose })
}

function define(error: Error, name: 'name' | 'stack', value: string): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true })
}
