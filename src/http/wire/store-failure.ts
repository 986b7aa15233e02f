import { isPoolError } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import { read } from '../../contract/task-record.js'

/** What could not be done, as clients read it. */
const NOT_RECORDED = 'The task could not be recorded and will not run.'
const NOT_CANCELED = 'The cancel could not be recorded.'
const NOT_FOUND_OUT = 'The ticket cannot be read at the moment.'

const IN_DOUBT = ' Send the request again with the same Idempotency-Key.'

/** The text for a task that was not recorded, for this reason. */
export function notRecorded(cause: unknown): string {
  return read(cause, 'inDoubt') === true ? NOT_RECORDED + IN_DOUBT : NOT_RECORDED
}

/** A store or mirror failed; `cause` is its reason, and the message is for the client. It becomes 503. */
export class StoreFailure extends Error {
  readonly #brand = true

  /** Whether a value is one. Reads no property of the value. */
  static is(value: unknown): value is StoreFailure {
    return typeof value === 'object' && value !== null && #brand in value && value.#brand
  }
}

/** Whether an error is the one by which a store reports that it is away, which is no news to the application. */
export function isStoreError(error: unknown): boolean {
  return isPoolError(error) && error.code === 'ERR_STORE'
}

/**
 * Waits for `task.recorded`, which is resolved for every task of a pool without a store. No client gets a ticket before that.
 *
 * @throws StoreFailure when it rejects
 */
export async function recorded(task: Task): Promise<void> {
  try {
    await task.recorded
  } catch (cause) {
    throw new StoreFailure(notRecorded(cause), { cause })
  }
}

/**
 * The same after a cancel.
 *
 * @throws StoreFailure when it rejects
 */
export async function cancelRecorded(task: Task): Promise<void> {
  try {
    await task.recorded
  } catch (cause) {
    throw new StoreFailure(NOT_CANCELED, { cause })
  }
}

/**
 * What the pool finds.
 *
 * @throws StoreFailure when it cannot know
 */
export async function lookedUp<T>(find: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await find()
  } catch (cause) {
    throw new StoreFailure(NOT_FOUND_OUT, { cause })
  }
}
