import type { Links } from '../scheduler/linked-list.js'
import type { AsyncContext } from '../task/async-context.js'
import type { PoolTask, Work } from '../task/task.js'
import type { AttemptContext } from '../task/task-context.js'
import type { Deadline } from '../waiting/deadlines.js'

/** What a worker needs of its pool. */
export interface WorkerOwner {
  /** The function returned. */
  returned(worker: Worker, value: unknown): void
  /** The function threw. */
  threw(worker: Worker, error: unknown): void
}

/**
 * One of `concurrency` places in which a task runs. Used again and again: its two callbacks serve every promise of every
 * task that runs in it, one at a time, so a call allocates no closure.
 */
export class Worker implements Links<Worker> {
  prev: Worker | null = null
  next: Worker | null = null
  task: PoolTask | null = null
  /** From the call of the function to its end; null before. */
  context: AttemptContext | null = null
  /** When the function was called, in milliseconds since the pool was made. */
  startedAt = 0
  /** The end of the attempt's time limit; once it was asked to end, the moment from which it counts as stuck. */
  deadline: Deadline | undefined
  stuck = false
  readonly #owner: WorkerOwner
  readonly #returned = (value: unknown): void => this.#owner.returned(this, value)
  readonly #threw = (error: unknown): void => this.#owner.threw(this, error)

  constructor(owner: WorkerOwner) {
    this.#owner = owner
  }

  /** Calls the task's function. Whatever it does, the owner is told once. */
  call(task: PoolTask, context: AttemptContext, scope: AsyncContext | null): void {
    if (scope === null) this.#run(task, context)
    else scope.runInAsyncScope(this.#run, this, task, context) // its end comes in its own context, too
  }

  #run(task: PoolTask, context: AttemptContext): void {
    let value: unknown
    try {
      value = invoke(task.work as Work, task.payload, context)
    } catch (error) {
      return this.#owner.threw(this, error)
    }
    if (value === null || (typeof value !== 'object' && typeof value !== 'function'))
      return this.#owner.returned(this, value)
    follow(value, this.#returned, this.#threw)
  }
}

function invoke(work: Work, payload: unknown, context: AttemptContext): unknown {
  return typeof work === 'function' ? work(context) : work.call(payload, context)
}

/**
 * Calls exactly one of the two, once, when a value has settled. A promise of the platform keeps that promise by itself;
 * whatever else there is (a thenable, a promise whose `then` was replaced) is made into one first, and so is a plain
 * object, which costs it a microtask and spares us a look at its `then`.
 */
function follow(value: object, returned: (value: unknown) => void, threw: (error: unknown) => void): void {
  try {
    if (value instanceof Promise && value.then === Promise.prototype.then) {
      void value.then(returned, threw)
      return
    }
  } catch {
    // A proxy of a promise, or a promise whose constructor was tampered with: the way below ends it well.
  }
  new Promise((resolve) => resolve(value)).then(returned, threw)
}
