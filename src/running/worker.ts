import type { Links } from '../scheduler/linked-list.js'
import type { AsyncContext } from '../task/async-context.js'
import type { PoolTask } from '../task/task.js'
import { type AttemptContext, type AttemptSlot, NO_ATTEMPT } from '../task/task-context.js'
import type { Work } from '../task/work.js'
import type { Deadline } from '../waiting/deadlines.js'

/** The attempts, as the workers call them: when a function may be called, and how the call ended. */
export interface Calls {
  begin(worker: Worker, task: PoolTask): void
  returned(worker: Worker, value: unknown): void
  threw(worker: Worker, error: unknown): void
}

/**
 * One of `concurrency` places in which a task runs. Reused: its two callbacks serve the promises of all its tasks, one at
 * a time, so that a call allocates no closure.
 */
export class Worker implements Links<Worker>, AttemptSlot {
  prev: Worker | null = null
  next: Worker | null = null
  task: PoolTask | null = null
  /** That of the attempt, from the call of the function to its end. */
  context: AttemptContext = NO_ATTEMPT
  /** When the function was called, in milliseconds since the pool was made. */
  startedAt = 0
  /** The end of the attempt's time limit; after its abort, the time from which it counts as stuck. */
  deadline: Deadline | undefined
  stuck = false
  /** Whether the start of its task is being written, so that its function is not due yet. */
  held = false
  readonly #calls: Calls
  readonly #returned = (value: unknown): void => this.#calls.returned(this, value)
  readonly #threw = (error: unknown): void => this.#calls.threw(this, error)

  constructor(calls: Calls) {
    this.#calls = calls
  }

  /** Calls the task's function. Whatever the function does, its end is reported once. */
  call(task: PoolTask, context: AttemptContext, scope: AsyncContext | null): void {
    if (scope === null) this.run(task, context)
    else scope.runInAsyncScope(this.run, this, task, context) // its end is handled in its own context, too
  }

  run(task: PoolTask, context: AttemptContext): void {
    let value: unknown
    try {
      value = invoke(task.work as Work, task.payload, context)
    } catch (error) {
      return this.#calls.threw(this, error)
    }
    if (value === null || (typeof value !== 'object' && typeof value !== 'function'))
      return this.#calls.returned(this, value)
    follow(value, this.#returned, this.#threw)
  }
}

function invoke(work: Work, payload: unknown, context: AttemptContext): unknown {
  return typeof work === 'function' ? work(context) : work.call(payload, context)
}

/**
 * Calls exactly one of the two, once, when a value has settled. A native promise guarantees that by itself. Anything else
 * (a thenable, a promise whose `then` was replaced) is made into one first, and so is a plain object: that costs a
 * microtask, but its `then` is not read here.
 */
function follow(value: object, returned: (value: unknown) => void, threw: (error: unknown) => void): void {
  try {
    if (value instanceof Promise && value.then === Promise.prototype.then) {
      void value.then(returned, threw)
      return
    }
  } catch {
    // A proxy of a promise, or a promise whose constructor was replaced: handled below.
  }
  new Promise((resolve) => resolve(value)).then(returned, threw)
}
