import type { Task } from '../../contract/task-contract.js'

/** The task was accepted, but its store failed. `cause` is how. */
export class NotRecorded extends Error {
  readonly #brand = true

  /** Whether a value is one; asks nothing of the value, which may be anything. */
  static is(value: unknown): value is NotRecorded {
    return typeof value === 'object' && value !== null && #brand in value && value.#brand
  }
}

/**
 * Waits until a task is as durable as its pool can make it: before that a client is told nothing.
 *
 * @throws NotRecorded when its store fails; then it will not run
 */
export async function recorded(task: Task): Promise<void> {
  try {
    await task.recorded
  } catch (cause) {
    throw new NotRecorded('the task was not recorded', { cause })
  }
}
