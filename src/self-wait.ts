import { AsyncLocalStorage } from 'node:async_hooks'
import { type AsyncContext, captureContext } from './async-context.js'
import { RUNNING } from './scheduler/lifecycle.js'
import type { PoolTask } from './task.js'

/** Knows inside which task a call is made, so that a task that waits for itself can be told. */
export class SelfWait {
  readonly #inside = new AsyncLocalStorage<PoolTask>()

  /** The context of now, with the task marked as the one inside. */
  capture(task: PoolTask): AsyncContext | null {
    return this.#inside.run(task, captureContext)
  }

  /** The running task inside which this call is made. What a task that has ended left behind is inside nothing. */
  get current(): PoolTask | undefined {
    const task = this.#inside.getStore()
    return task?.stage === RUNNING ? task : undefined
  }
}
