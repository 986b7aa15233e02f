import { LinkedList } from '../scheduler/linked-list.js'
import type { PoolTask } from '../task/task.js'
import type { Turn } from '../waiting/turn.js'
import { Worker, type WorkerOwner } from './worker.js'

/** What the workers need of their pool. */
export interface WorkersOwner extends WorkerOwner {
  /** Calls the function of the task that a worker was given. */
  begin(worker: Worker, task: PoolTask): void
}

const NEXT_MICROTASK = Promise.resolve()

/**
 * The workers: those that are free, and those that were given a task whose function is still to be called.
 *
 * A function is never called inside the call that started it, but in a microtask of its own or in that of the task that
 * freed the worker; and when a slice of this turn is used up, in the next turn. Returning functions are called one after
 * the other in a loop, so a task that queues a task that queues a task takes no stack.
 */
export class Workers {
  readonly #owner: WorkersOwner
  readonly #turn: Turn
  readonly #all: Worker[] = []
  readonly #free: Worker[] = []
  /** Workers whose task's function is still to be called, in order. */
  readonly #due = new LinkedList<Worker>()
  /** Whether the due ones will be called anyway: later in this microtask, in one that is on its way, or next turn. */
  #coming = false
  readonly #flush = (): void => this.flush()

  constructor(owner: WorkersOwner, turn: Turn) {
    this.#owner = owner
    this.#turn = turn
  }

  /** Workers that have a task. */
  *busy(): Generator<Worker & { task: PoolTask }> {
    for (const worker of this.#all) if (worker.task !== null) yield worker as Worker & { task: PoolTask }
  }

  /** The tasks of the workers, as they are now. */
  tasks(): PoolTask[] {
    return Array.from(this.busy(), ({ task }) => task)
  }

  /** Gives a task to a free worker; its function is called soon. */
  assign(task: PoolTask): void {
    const worker = this.#free.pop() ?? this.#make()
    worker.task = task
    task.worker = worker
    this.#due.push(worker)
    if (this.#coming) return
    this.#coming = true
    void NEXT_MICROTASK.then(this.#flush)
  }

  /** Takes the task away from a worker whose function was not called yet. */
  withdraw(worker: Worker): void {
    this.#due.remove(worker)
    this.free(worker)
  }

  /** The task of a worker has ended. */
  free(worker: Worker): void {
    worker.task = null
    worker.context = null
    this.#free.push(worker)
  }

  /** Begins a step in a microtask of ours: whoever is given a worker in it is called when it {@link leave}s. */
  enter(): boolean {
    if (this.#coming) return false // inside the loop below, or one is on its way
    this.#coming = true
    return true
  }

  /** Ends the step that was begun. */
  leave(): void {
    if (this.#due.size > 0) this.flush()
    else this.#coming = false
  }

  /** Calls the functions that are due, as far as this turn's slice reaches; what is left is for the next turn. */
  flush(): void {
    for (let worker = this.#due.head; worker !== null; worker = this.#due.head) {
      if (this.#turn.isOver()) return
      this.#due.remove(worker)
      this.#owner.begin(worker, worker.task as PoolTask)
    }
    this.#coming = false
    this.#turn.refresh()
  }

  /** A turn begins: what the last one's slice did not reach is called now. */
  resume(): void {
    if (this.#coming) this.flush()
  }

  #make(): Worker {
    const worker = new Worker(this.#owner)
    this.#all.push(worker)
    return worker
  }
}
