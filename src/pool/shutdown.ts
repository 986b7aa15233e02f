import { PoolStoppedError, withoutStack } from '../contract/errors.js'
import type { StopReport, TaskCount } from '../contract/reports.js'
import { CANCELED, STARTED } from '../scheduler/lifecycle.js'
import { Cancellation, type PoolTask } from '../task/task.js'
import { Deadline } from '../waiting/deadlines.js'
import { Slice } from '../waiting/slice.js'
import type { PoolParts } from './pool-parts.js'

const MAX_IDS = 1_000

/** What a stop asks for, checked. */
export interface StopRequest {
  readonly graceMs: number
  readonly forceMs: number
  readonly reason: unknown
}

/** What a shutdown needs of the dispatcher. */
export interface ShutdownOwner {
  /** Refuses all who wait for room. */
  refuseWaiters(): void
  /** Starts whatever may start now. */
  startDue(): void
  /** Tells all running functions that the pool stops. */
  tellRunning(reason: unknown): void
  /** Asks all running functions to end. */
  abortRunning(cancellation: Cancellation): void
  /** Gives up on all running functions; tells of each before it is settled. */
  interruptRunning(told: (task: PoolTask) => void): void
  settle(task: PoolTask, to: typeof CANCELED, payload: unknown): void
  /** The last task has settled. */
  finished(report: StopReport): void
}

/**
 * The end of a pool: intake closes, what was accepted may go on for the grace, then what is queued is canceled and what
 * runs is asked to end, and what still runs at the force deadline has failed.
 */
export class Shutdown {
  readonly error: PoolStoppedError
  readonly #parts: PoolParts
  readonly #owner: ShutdownOwner
  readonly #reason: unknown
  readonly #cancellation: Cancellation
  readonly #beganAt: number
  readonly #before: { readonly succeeded: number; readonly failed: number; readonly canceled: number }
  readonly #graceEnd: Deadline
  readonly #forceEnd: Deadline
  readonly #unstarted = new Tally()
  readonly #aborted = new Tally()
  readonly #interrupted = new Tally()
  #graceAt = Number.POSITIVE_INFINITY
  #forceAt = Number.POSITIVE_INFINITY
  /** Whether the grace is over. */
  #aborting = false
  /** Whether all have been told that the pool stops. */
  #told = false
  #slicing = false
  /** Whether the force deadline has passed, and acts at the end of this turn. */
  #overdue = false
  #finishing = false

  constructor(parts: PoolParts, owner: ShutdownOwner, reason: unknown) {
    const { scheduler, clock } = parts
    this.#parts = parts
    this.#owner = owner
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
    this.#owner.refuseWaiters()
    this.#owner.tellRunning(this.error)
    listeners.emit('stopping', { reason: this.#reason })
    if (this.#graceAt > this.#parts.clock.now()) this.#owner.startDue() // a pause ends with the stop
    this.#told = true
    this.#proceed()
  }

  /** A later call of stop: it can only bring the deadlines nearer. */
  shorten(request: StopRequest): void {
    const now = this.#parts.clock.now()
    this.#graceAt = Math.min(this.#graceAt, now + request.graceMs)
    this.#forceAt = Math.min(this.#forceAt, now + request.graceMs + request.forceMs)
    this.#proceed()
  }

  /** A task was canceled: was it by this stop? */
  canceled(task: PoolTask, by: Cancellation['reason']): void {
    if (by === 'pool_stopped') (task.startedMs < 0 ? this.#unstarted : this.#aborted).add(task)
  }

  /** Nothing is left: the end follows in a microtask, so that whoever called sees the pool stopping first. */
  finish(): void {
    if (this.#finishing) return
    this.#finishing = true
    void Promise.resolve().then(() => this.#end())
  }

  /** A turn ends: what was put off until now. */
  resume(): void {
    if (this.#slicing) this.#cancelHeld()
    if (this.#overdue) this.#force()
  }

  #proceed(): void {
    const { scheduler, clock, deadlines } = this.#parts
    if (this.#finishing || !this.#told) return
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
    this.#owner.abortRunning(this.#cancellation)
    this.#limitAbort()
  }

  /** However late it is, what was asked to end has the rest of this turn of the event loop to do so. */
  #limitAbort(): void {
    const { deadlines, clock, turn } = this.#parts
    this.#overdue = this.#forceAt <= clock.now()
    if (this.#overdue) turn.begin()
    else deadlines.setAt(this.#forceEnd, this.#forceAt, true)
  }

  /** Cancels what is queued or waits for a retry, in slices. */
  #cancelHeld(): void {
    const { scheduler, turn, clock } = this.#parts
    const slice = new Slice(clock)
    this.#slicing = true
    for (let task = scheduler.anyHeld(); task !== null; task = scheduler.anyHeld()) {
      this.#owner.settle(task, CANCELED, this.#cancellation)
      if (slice.isOver()) return turn.begin()
    }
    this.#slicing = false
  }

  /** The force deadline has passed. */
  #force(): void {
    this.#overdue = false
    this.#owner.interruptRunning((task) => this.#interrupted.add(task))
  }

  #end(): void {
    const { scheduler, clock, deadlines } = this.#parts
    deadlines.clear(this.#graceEnd)
    deadlines.clear(this.#forceEnd)
    scheduler.finish()
    this.#owner.finished({
      reason: this.#reason,
      durationMs: clock.now() - this.#beganAt,
      succeeded: scheduler.succeeded - this.#before.succeeded,
      failed: scheduler.failed - this.#before.failed,
      canceled: scheduler.canceled - this.#before.canceled,
      unstarted: this.#unstarted.count(),
      aborted: this.#aborted.count(),
      interrupted: this.#interrupted.count()
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
