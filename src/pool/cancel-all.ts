import type { CancelAllSettings } from '../contract/call-settings.js'
import type { CancelAllReport } from '../contract/reports.js'
import type { Lane } from '../scheduler/lane.js'
import { QUEUED, RUNNING, SUCCEEDED } from '../scheduler/lifecycle.js'
import { Cancellation } from '../task/cancellation.js'
import type { PoolTask } from '../task/task.js'
import { Slice } from '../waiting/slice.js'
import type { Dispatch, PoolParts } from './pool-parts.js'

/** The tasks that have a worker. */
export interface RunningTasks {
  tasks(): PoolTask[]
}

/** The calls of `cancelAll` under way. Each cancels in time slices the tasks that match and were accepted before the call. */
export class CancelAll {
  readonly #parts: PoolParts
  readonly #workers: RunningTasks
  readonly #dispatch: Dispatch
  readonly #sweeps = new Set<Sweep>()

  constructor(parts: PoolParts, workers: RunningTasks, dispatch: Dispatch) {
    this.#parts = parts
    this.#workers = workers
    this.#dispatch = dispatch
  }

  begin(settings: CancelAllSettings): Promise<CancelAllReport> {
    return new Promise((resolve) => {
      const { scheduler } = this.#parts
      const cancellation = Cancellation.byUser(settings.reason)
      const cancel = (task: PoolTask): boolean => this.#dispatch.cancel(task, cancellation)
      const sweep = new Sweep(scheduler, this.#workers, settings, cancel, resolve)
      this.#sweeps.add(sweep)
      this.#goOn(sweep, new Slice(this.#parts.clock)) // not with others: this may be a call inside one of them
    })
  }

  /** A task is about to get another place in the order: it was accepted before the call all the same. */
  moves(task: PoolTask): void {
    for (const sweep of this.#sweeps) sweep.moves(task)
  }

  /** Goes on with what an earlier slice left. */
  resume(): void {
    if (this.#sweeps.size === 0) return
    const slice = new Slice(this.#parts.clock)
    for (const sweep of this.#sweeps) if (!this.#goOn(sweep, slice)) return
  }

  #goOn(sweep: Sweep, slice: Slice): boolean {
    if (sweep.goOn(slice)) return this.#sweeps.delete(sweep)
    this.#parts.turn.begin()
    return false
  }
}

/** One call: first the queues, from the head of each; then the delayed tasks; then those that run. */
class Sweep {
  readonly #settings: CancelAllSettings
  readonly #cancel: (task: PoolTask) => boolean
  readonly #resolve: (report: CancelAllReport) => void
  readonly #steps: Generator<void, void>
  /** The order of the last task accepted before the call. */
  readonly #last: number
  /** Tasks that got another place in the order since then. */
  readonly #moved: PoolTask[] = []
  readonly #report = { canceled: 0, requested: 0 }

  constructor(
    scheduler: PoolParts['scheduler'],
    workers: RunningTasks,
    settings: CancelAllSettings,
    cancel: (task: PoolTask) => boolean,
    resolve: (report: CancelAllReport) => void
  ) {
    this.#settings = settings
    this.#cancel = cancel
    this.#resolve = resolve
    this.#last = scheduler.lastOrder
    this.#steps = this.#walk(scheduler, workers)
  }

  moves(task: PoolTask): void {
    if (task.order <= this.#last) this.#moved.push(task)
  }

  /** Whether it has come to its end before the slice was over. */
  goOn(slice: Slice): boolean {
    while (!this.#steps.next().done) if (slice.isOver()) return false
    this.#resolve(this.#report)
    return true
  }

  *#walk(scheduler: PoolParts['scheduler'], workers: RunningTasks): Generator<void, void> {
    const { state } = this.#settings
    if (state !== 'running') {
      for (const lane of scheduler.lanes(this.#settings.key)) yield* this.#walkLane(lane)
      for (const task of scheduler.delayed.keys()) yield this.#meet(task)
    }
    for (const task of workers.tasks()) yield this.#meet(task)
    for (const task of this.#moved) yield this.#end(task)
  }

  /** A lane is in order. Where the next task has left it in between, so have those before it that were not passed. */
  *#walkLane(lane: Lane<PoolTask>): Generator<void, void> {
    let task = lane.entries.head
    while (task !== null && task.order <= this.#last) {
      const { next } = task
      const order = next?.order
      yield this.#meet(task)
      task =
        next === null || (next.stage === QUEUED && next.lane === lane && next.order === order)
          ? next
          : lane.entries.head
    }
  }

  #meet(task: PoolTask): void {
    if (task.order <= this.#last) this.#end(task)
  }

  #end(task: PoolTask): void {
    const { key, name, state } = this.#settings
    if (task.stage >= SUCCEEDED || (state !== undefined && task.state !== state)) return
    if ((key !== undefined && task.key !== key) || (name !== undefined && task.name !== name)) return
    if (!this.#cancel(task)) return
    if (task.stage === RUNNING) this.#report.requested++
    else this.#report.canceled++
  }
}
