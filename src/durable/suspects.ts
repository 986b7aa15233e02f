import type { Stored } from '../task/stored.js'
import type { PoolTask } from '../task/task.js'
import type { TaskDetails } from '../task/task-details.js'

/**
 * Tasks that ran when the process ended without a stop: one of them may be the reason. They are run again one at a time,
 * the least suspected first, beside all other work.
 */
export class Suspects {
  readonly #run: (task: PoolTask) => void
  #waiting: PoolTask[] = []
  #current: PoolTask | undefined

  /** @param run - makes one of them the next to start */
  constructor(run: (task: PoolTask) => void) {
    this.#run = run
  }

  begin(tasks: readonly PoolTask[]): void {
    this.#waiting = [...tasks].sort((a, b) => crashesOf(b) - crashesOf(a) || orderOf(b) - orderOf(a))
    this.#next()
  }

  /** A task has ended, failed an attempt, or is left. */
  ended(task: PoolTask): void {
    if (task === this.#current) this.#next()
    else if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter((other) => other !== task)
  }

  #next(): void {
    this.#current = this.#waiting.pop()
    if (this.#current !== undefined) this.#run(this.#current)
  }
}

function crashesOf({ details }: PoolTask): number {
  return ((details as TaskDetails).stored as Stored).crashes
}

function orderOf({ details }: PoolTask): number {
  return ((details as TaskDetails).stored as Stored).ord
}
