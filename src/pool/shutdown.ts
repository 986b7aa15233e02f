import { PoolStoppedError, withoutStack } from '../contract/errors.js'
import type { TaskCount } from '../contract/reports.js'
import type { Attempts } from '../running/attempts.js'
import { CANCELED, DELAYED, STARTED } from '../scheduler/lifecycle.js'
import { Cancellation } from '../task/cancellation.js'
import type { PoolTask } from '../task/task.js'
import { Deadline } from '../waiting/deadlines.js'
import { Slice } from '../waiting/slice.js'
import type { Durability } from './durability.js'
import type { Dispatch, PoolParts } from './pool-parts.js'
import type { Waiters } from './waiters.js'

const MAX_IDS = 1_000

/** The checked options of a stop. */
export interface StopRequest {
  readonly graceMs: number
  readonly forceMs: number
  readonly queued: 'run' | 'cancel'
  readonly reason: unknown
}

/** The parts that a stop acts on. */
export interface ShutdownParts {
  readonly waiters: Waiters
  readonly attempts: Attempts
  readonly durability: Durability | null
}

/**
 * The stop of a pool: intake closes; accepted tasks go on for the grace; then queued tasks are canceled and running ones
 * aborted; tasks that still run at the force deadline fail.
 */
export class Shutdown {
  readonly error: PoolStoppedError
  readonly #parts: PoolParts
  readonly #waiters: Waiters
  readonly #attempts: Attempts
  readonly #durability: Durability | null
  readonly #dispatch: Dispatch
  readonly #reason: unknown
  readonly #cancellation: Cancellation
  readonly #beganAt: number
  readonly #before: { readonly succeeded: number; readonly failed: number; readonly canceled: number }
  readonly #graceEnd: Deadline
  readonly #forceEnd: Deadline
  readonly #unstarted = new Tally()
  readonly #aborted = new Tally()
  readonly #interrupted = new Tally()
  readonly #left = new Tally()
  #graceAt = Number.POSITIVE_INFINITY
  #forceAt = Number.POSITIVE_INFINITY
  /** Whether the grace is over. */
  #aborting = false
  /** Whether the stop has been announced to all. */
  #announced = false
  #slicing = false
  /** Whether the force deadline has passed, and acts at the end of this turn. */
  #overdue = false
  #finishing = false
  /** Whether what is queued is canceled before the grace is over. */
  #cancelsQueued = false

  constructor(parts: PoolParts, { waiters, attempts, durability }: ShutdownParts, dispatch: Dispatch, reason: unknown) {
    const { scheduler, clock } = parts
    this.#parts = parts
    this.#waiters = waiters
    this.#attempts = attempts
    this.#durability = durability
    this.#dispatch = dispatch
    this.#reason = reason
    this.error = withoutStack(
      () => new PoolStoppedError('stopping', reason === undefined ? undefined : { cause: reason })
    )
    this.#cancellation = new Cancellation('pool_stopped', this.error)
    this.#beganAt = clock.now()
    this.#before = { succeeded: scheduler.succeeded, failed: scheduler.failed, canceled: scheduler.canceled }
    this.#graceEnd = new Deadline(() => this.#abort())
    this.#forceEnd = new Deadline(() => this.#force())
  }

  begin(request: StopRequest): void {
    const { scheduler, listeners } = this.#parts
    const grace = scheduler.stage === STARTED && request.graceMs > 0
    scheduler.stop(grace)
    this.#graceAt = this.#beganAt + (grace ? request.graceMs : 0)
    this.#forceAt = this.#graceAt + request.forceMs
    this.#waiters.dismissAll()
    this.#attempts.announceStop(this.error)
    listeners.findSubscribers()
    listeners.emit(null, 'stopping', { reason: this.#reason })
    if (request.queued === 'cancel') this.#closeQueue()
    if (this.#graceAt > this.#parts.clock.now()) this.#dispatch.startDue() // a pause ends with the stop
    this.#announced = true
    this.#proceed()
  }

  /** A later call of stop: it can only bring the deadlines nearer. */
  shorten(request: StopRequest): void {
    const now = this.#parts.clock.now()
    this.#graceAt = Math.min(this.#graceAt, now + request.graceMs)
    this.#forceAt = Math.min(this.#forceAt, now + request.graceMs + request.forceMs)
    if (request.queued === 'cancel') this.#closeQueue()
    this.#proceed()
  }

  /** A task was canceled; counts it if this stop did it. */
  canceled(task: PoolTask, by: Cancellation['reason']): void {
    if (by === 'pool_stopped') (task.startedMs < 0 ? this.#unstarted : this.#aborted).add(task)
  }

  /** A task waits for its next attempt, which there will not be. */
  delayed(task: PoolTask): void {
    if (this.#cancelsQueued && task.stage === DELAYED) this.#dispatch.settle(task, CANCELED, this.#cancellation)
  }

  #closeQueue(): void {
    if (this.#cancelsQueued) return
    this.#cancelsQueued = true
    this.#parts.scheduler.close()
    this.#cancelHeld()
  }

  /** A task stays in the store. */
  leftBehind(task: PoolTask): void {
    this.#left.add(task)
  }

  /** Nothing is left: the end follows in a microtask, so that the caller of `stop` sees the state `stopping` first. */
  finish(): void {
    if (this.#finishing) return
    this.#finishing = true
    const hasPorts = this.#durability !== null || this.#parts.settings.mirror !== undefined
    const closed = hasPorts ? this.#close() : Promise.resolve()
    void closed.then(() => this.#end())
  }

  /** A turn ends: goes on with what was deferred to its end. */
  resume(): void {
    if (this.#slicing) this.#cancelHeld()
    if (this.#overdue) this.#force()
  }

  #proceed(): void {
    const { scheduler, clock, deadlines } = this.#parts
    if (this.#finishing || !this.#announced) return
    if (scheduler.live === 0) return this.finish()
    if (this.#aborting) return this.#limitAbort()
    if (this.#graceAt > clock.now()) return deadlines.setAt(this.#graceEnd, this.#graceAt, true)
    this.#abort()
  }

  /** The grace is over. */
  #abort(): void {
    const { scheduler, deadlines } = this.#parts
    this.#aborting = true
    deadlines.clear(this.#graceEnd)
    scheduler.close()
    this.#cancelHeld()
    for (const task of this.#attempts.workers.tasks()) this.#dispatch.cancel(task, this.#cancellation)
    this.#limitAbort()
  }

  /** However late it is, aborted functions have the rest of this turn of the event loop to end. */
  #limitAbort(): void {
    const { deadlines, clock, turn } = this.#parts
    this.#overdue = this.#forceAt <= clock.now()
    if (this.#overdue) turn.begin()
    else deadlines.setAt(this.#forceEnd, this.#forceAt, true)
  }

  /** Cancels what is queued or waits for a retry, in time slices. */
  #cancelHeld(): void {
    const { scheduler, turn, clock } = this.#parts
    const slice = new Slice(clock)
    this.#slicing = true
    for (let task = scheduler.anyHeld(); task !== null; task = scheduler.anyHeld()) {
      this.#dispatch.settle(task, CANCELED, this.#cancellation)
      if (slice.isOver()) return turn.begin()
    }
    this.#slicing = false
  }

  /** The force deadline has passed. */
  #force(): void {
    this.#overdue = false
    this.#attempts.interrupt(
      (task) => this.#leave(task),
      (task) => this.#interrupted.add(task)
    )
    this.#durability?.journal.force()
  }

  #leave(task: PoolTask): boolean {
    const stored = task.details?.stored
    if (stored == null || this.#durability === null || !this.#durability.mayLeave(task, stored)) return false
    this.#durability.leave(task, stored)
    return true
  }

  /** Closes the store, then the mirror. */
  async #close(): Promise<void> {
    await this.#durability?.close()
    try {
      await this.#parts.settings.mirror?.close()
    } catch (error) {
      this.#parts.unobserved.report(error, {})
    }
  }

  #end(): void {
    const { scheduler, clock, deadlines } = this.#parts
    deadlines.clear(this.#graceEnd)
    deadlines.clear(this.#forceEnd)
    scheduler.finish()
    this.#dispatch.finished({
      reason: this.#reason,
      durationMs: clock.now() - this.#beganAt,
      succeeded: scheduler.succeeded - this.#before.succeeded,
      failed: scheduler.failed - this.#before.failed,
      canceled: scheduler.canceled - this.#before.canceled,
      unstarted: this.#unstarted.count(),
      aborted: this.#aborted.count(),
      interrupted: this.#interrupted.count(),
      left: this.#left.count(),
      unrecorded: this.#durability?.journal.unrecorded ?? 0
    })
  }
}

/** Counts tasks and keeps the ids of the first. */
class Tally {
  #count = 0
  readonly #ids: string[] = []

  add(task: PoolTask): void {
    this.#count++
    if (this.#ids.length < MAX_IDS) this.#ids.push(task.id)
  }

  count(): TaskCount {
    return { count: this.#count, ids: this.#ids }
  }
}
