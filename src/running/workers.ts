import { LinkedList } from '../scheduler/linked-list.js'
import type { PoolTask } from '../task/task.js'
import { NO_ATTEMPT } from '../task/task-context.js'
import type { Turn } from '../waiting/turn.js'
import { type Calls, Worker } from './worker.js'

const NEXT_MICROTASK = /* @__PURE__ */ Promise.resolve()

/**
 * The workers: those that are free, and those whose task's function is due to be called.
 *
 * A function is never called inside the call that started its task, but in a microtask: its own, or that in which the
 * previous task of the worker ended. When the time slice of the turn is used up, it is called in the next turn. The
 * functions due are called in a loop, so that a chain of tasks that queue tasks takes no stack.
 */
export class Workers {
  readonly #calls: Calls
  readonly #turn: Turn
  readonly #all: Worker[] = []
  /** The free workers, linked by `next`. */
  #free: Worker | null = null
  /** Workers whose task's function is due, in order. */
  readonly #due = new LinkedList<Worker>()
  /** Whether a flush is coming anyway: at the end of this step, in a scheduled microtask, or in the next turn. */
  #coming = false
  readonly #flush = (): void => {
    this.#turn.expire() // by then others may have blocked the event loop
    this.flush()
  }

  constructor(calls: Calls, turn: Turn) {
    this.#calls = calls
    this.#turn = turn
  }

  /** Workers that have a task. */
  *busy(): Generator<Worker & { task: PoolTask }> {
    for (const worker of this.#all) if (worker.task !== null) yield worker as Worker & { task: PoolTask }
  }

  /** Number of workers whose task's function was not called yet. */
  get due(): number {
    return this.#due.size
  }

  /** The tasks of the workers, as they are now. */
  tasks(): PoolTask[] {
    return Array.from(this.busy(), ({ task }) => task)
  }

  /** Gives a task to a free worker; its function is called soon. */
  assign(task: PoolTask): void {
    this.#call(this.#take(task))
  }

  /** Gives a task to a free worker; its function is called soon after its {@link release}. */
  hold(task: PoolTask): void {
    this.#take(task).held = true
  }

  /** The function of a worker that was held is called soon. */
  release(worker: Worker): void {
    worker.held = false
    this.#call(worker)
  }

  #take(task: PoolTask): Worker {
    const worker = this.#free ?? this.#make()
    this.#free = worker.next
    worker.next = null
    worker.task = task
    task.worker = worker
    return worker
  }

  #call(worker: Worker): void {
    this.#due.push(worker)
    if (this.#coming) return
    this.#coming = true
    void NEXT_MICROTASK.then(this.#flush)
  }

  /** Takes the task away from a worker that has not called its function yet. */
  withdraw(worker: Worker): void {
    if (worker.held) worker.held = false
    else this.#due.remove(worker)
    this.free(worker)
  }

  /** The task of a worker has ended. */
  free(worker: Worker): void {
    worker.task = null
    worker.context = NO_ATTEMPT
    worker.next = this.#free
    this.#free = worker
  }

  /** Begins a step in a microtask of ours: the functions that become due in it are called when it {@link leave}s. */
  enter(): boolean {
    if (this.#coming) return false // inside the loop below, or a flush is scheduled
    this.#coming = true
    return true
  }

  /** Ends the step. */
  leave(): void {
    if (this.#due.size > 0) this.flush()
    else this.#coming = false
  }

  /** Calls the functions that are due, until the time slice of this turn is used up. */
  flush(): void {
    while (this.#due.size > 0) {
      if (this.#turn.isOver()) return
      const worker = this.#due.shift() as Worker
      this.#calls.begin(worker, worker.task as PoolTask)
    }
    this.#coming = false
    this.#turn.expire()
  }

  /** A new turn: calls what the last one left. */
  resume(): void {
    if (this.#coming) this.flush()
  }

  #make(): Worker {
    const worker = new Worker(this.#calls)
    this.#all.push(worker)
    return worker
  }
}
