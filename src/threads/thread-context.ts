import type { MessagePort } from 'node:worker_threads'
import type { TaskContext } from '../contract/task-contract.js'

/** Objects that are moved to the other thread instead of copied: `ArrayBuffer`, `MessagePort` and others of Node. */
export type TransferList = NonNullable<Parameters<MessagePort['postMessage']>[1]>

/**
 * Second argument of a function that runs in a thread: all of a {@link TaskContext}, and `transfer`. A function that takes a
 * `TaskContext` can run in a thread as well.
 *
 * `signal.aborted`, `signal.throwIfAborted()` and `progress()` take in what has arrived for the task, so that a loop which
 * never returns to the event loop can be canceled too.
 */
export interface ThreadContext extends TaskContext {
  /**
   * Moves these objects with the result instead of copying them. They are of no use in the thread afterwards.
   *
   * @param objects - parts of the result, such as the `buffer` of a typed array
   */
  readonly transfer: (...objects: TransferList) => void
}

/** A function that can run in a thread. */
export type ThreadFunction = (input: never, ctx: ThreadContext) => unknown
