import { TaskCanceledError } from '../contract/errors.js'
import { StoreError } from '../contract/store-errors.js'
import type { CancelOutcome } from '../contract/task-contract.js'
import type { TaskRecord } from '../contract/task-record.js'
import { errorFrom } from './task-text.js'

/** The part of a pool that its handles use. */
export interface SharedTaskOwner {
  findTask(id: string): Promise<TaskRecord | undefined>
  changes(id: string, signal: AbortSignal): AsyncIterable<TaskRecord>
  cancel(id: string, reason?: unknown): Promise<CancelOutcome>
}

/**
 * A task that Redis has accepted. Any process may run it, so whatever is asked of it is a promise, which rejects with a
 * `StoreError` while Redis does not answer.
 */
export class SharedTask<R = unknown> {
  /** The ticket. */
  readonly id: string
  /** Name of the handler. */
  readonly name: string
  /** Client, tenant or resource that the task belongs to. */
  readonly key: string | undefined
  /** The record as it was when the task was accepted. */
  readonly accepted: TaskRecord
  /** Already resolved: a task is accepted when Redis has it. */
  readonly recorded: Promise<void> = Promise.resolve()
  readonly #owner: SharedTaskOwner

  /** @internal */
  constructor(accepted: TaskRecord, owner: SharedTaskOwner) {
    this.accepted = accepted
    this.id = accepted.id
    this.name = String(accepted.name)
    this.key = accepted.key
    this.#owner = owner
  }

  /** The present record; `undefined` once it is no longer kept. */
  record(): Promise<TaskRecord | undefined> {
    return this.#owner.findTask(this.id)
  }

  /** The present record, then each newer one, up to the terminal one. A slow reader gets only the newest. */
  changes({ signal }: { readonly signal?: AbortSignal | undefined } = {}): AsyncIterable<TaskRecord> {
    return this.#owner.changes(this.id, signal ?? new AbortController().signal)
  }

  /** Cancels the task, as `pool.cancel` does. */
  cancel(reason?: unknown): Promise<CancelOutcome> {
    return this.#owner.cancel(this.id, reason)
  }

  /**
   * The terminal record.
   *
   * @throws StoreError when Redis no longer keeps it, and when the pool has stopped in this process before the task has ended
   */
  async settled(): Promise<TaskRecord> {
    let last: TaskRecord | undefined
    for await (const record of this.changes()) last = record
    if (last?.settledAt !== undefined) return last
    throw new StoreError(`How the task ${this.id} ended is no longer kept.`)
  }

  /**
   * What the function returned, as JSON has it. Rejects with the texts of what it threw, as an `Error` with its name and
   * code, or with a `TaskCanceledError`.
   *
   * @throws StoreError when Redis does not have the result, and as {@link SharedTask.settled}
   */
  async result(): Promise<R> {
    const { state, result, resultOmitted, error, reason } = await this.settled()
    if (resultOmitted !== undefined) throw new StoreError(`The result of the task is not kept: ${resultOmitted}`)
    if (state === 'succeeded') return result as R
    const cause = error === undefined ? undefined : errorFrom(error)
    if (reason !== undefined) throw new TaskCanceledError(this.id, reason, { cause })
    throw cause
  }
}
