import type { Task } from '../contract/task-contract.js'
import { type TaskLine, taskLine } from './task-lines.js'

/** How many of the oldest, and how many of the newest tasks are always compared. */
const ENDS = 20

/** How many of the others are compared at each reading, in turns. */
const STEP = 100

/** How many of those with the smallest positions are compared again at the next reading. */
const KEPT = 40

/**
 * Finds the queued tasks that run next. A position stands only in the record of a task, and a record costs some
 * microseconds, so that those of a long queue are not all read at once: up to 140 tasks are exact at once, 1,000 within
 * ten readings. Tasks that were queued a moment ago and those that waited longest are always among those compared.
 */
export class NextTasks {
  #best: readonly Task[] = []
  #turn = 0

  /**
   * The tasks with the smallest positions, then those that are started later.
   *
   * @param queued - newest first
   */
  read(queued: readonly Task[], count: number): readonly TaskLine[] {
    const compared = this.#toCompare(queued.toReversed())
      .map((task) => ({ task, line: taskLine(task.record()) }))
      .sort((a, b) => positionOf(a.line) - positionOf(b.line))
    this.#best = compared.slice(0, KEPT).map(({ task }) => task)
    return compared.slice(0, count).map(({ line }) => line)
  }

  /** In the order of acceptance, which decides between equal positions. */
  #toCompare(oldestFirst: readonly Task[]): readonly Task[] {
    const { length } = oldestFirst
    if (length <= 2 * ENDS + STEP) return oldestFirst
    const others = length - 2 * ENDS
    const from = ENDS + (this.#turn++ % Math.ceil(others / STEP)) * STEP
    const best = new Set(this.#best)
    return oldestFirst.filter(
      (task, index) =>
        index < ENDS || index >= length - ENDS || (index >= from && index < from + STEP) || best.has(task)
    )
  }
}

function positionOf({ position }: TaskLine): number {
  return position ?? Number.MAX_SAFE_INTEGER
}
