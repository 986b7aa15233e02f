import {
  DuplicateTaskError,
  PoolDeadlockError,
  PoolStoppedError,
  WaitFullError,
  WaitTimeoutError,
  withoutStack
} from '../contract/errors.js'
import type { TaskSettings, WaitSettings } from '../contract/settings.js'
import { TO_QUEUE, type Verdict } from '../scheduler/scheduler.js'
import type { PoolTask, Work } from '../task/task.js'
import { AttemptContext } from '../task/task-context.js'
import type { PoolParts } from './pool-parts.js'
import { AdmissionWaiter, type AdmissionWaiterOwner } from './waiter.js'

/** What the line needs of the dispatcher. */
export interface WaitersOwner {
  /** The live or retained task that has this id. */
  taskOf(id: string | undefined): PoolTask | undefined
  accept(task: PoolTask, verdict: Verdict, settings: TaskSettings): void
  /** Starts whatever may start now, lets in whoever may come in, and sees when the next may. */
  startDue(): void
  /** Counts and tells a refusal. */
  refuse(work: Work, settings: TaskSettings, error: unknown): void
  /** The error for a verdict. */
  refusal(verdict: Verdict, settings: TaskSettings): Error
}

/** The callers that wait for room: who joins, who is let in, who leaves. Their order is the scheduler's. */
export class Waiters implements AdmissionWaiterOwner {
  readonly #parts: PoolParts
  readonly #owner: WaitersOwner

  constructor(parts: PoolParts, owner: WaitersOwner) {
    this.#parts = parts
    this.#owner = owner
  }

  /**
   * There is no room for this task now: its caller waits.
   *
   * @throws WaitTimeoutError when it would not wait at all
   * @throws WaitFullError when too many wait already
   */
  join(task: PoolTask, settings: WaitSettings): Promise<PoolTask> {
    const { scheduler, clock, deadlines, signals } = this.#parts
    if (settings.waitMs === 0)
      throw this.#refused(
        task,
        settings,
        withoutStack(() => new WaitTimeoutError(0, scheduler.retryAfterMs()))
      )
    const waiter = new AdmissionWaiter(this, task, settings, clock.now(), this.#inside(settings))
    if (!scheduler.wait(waiter))
      throw this.#refused(
        task,
        settings,
        withoutStack(() => new WaitFullError(scheduler.waiters.size, scheduler.retryAfterMs()))
      )
    deadlines.set(waiter.deadline, settings.waitMs, true)
    for (const signal of waiter.signals) signals.subscribe(signal, waiter)
    this.#owner.startDue() // with a rate, there is a moment to wake up for
    this.#breakDeadlock(clock.now())
    return waiter.granted
  }

  /** Gives what room there is to the head of the line, then to the next. */
  serve(now: number): void {
    const { scheduler } = this.#parts
    for (;;) {
      const waiter = scheduler.nextWaiter(now)
      if (waiter === null) break
      this.#detach(waiter)
      this.#answer(waiter, now)
    }
    this.#breakDeadlock(now)
  }

  /** The waiter's limit is reached. */
  expire(waiter: AdmissionWaiter): void {
    const { clock, scheduler } = this.#parts
    this.dismiss(
      waiter,
      withoutStack(() => new WaitTimeoutError(clock.now() - waiter.since, scheduler.retryAfterMs()))
    )
  }

  /** A waiter leaves without a place; it may have stood in the way of the next one. */
  dismiss(waiter: AdmissionWaiter, reason: unknown): void {
    this.#leave(waiter, reason)
    this.#owner.startDue()
  }

  /** The pool stops: nobody waits any longer. */
  dismissAll(): void {
    const { waiters } = this.#parts.scheduler
    for (let { head } = waiters; head !== null; head = waiters.head) {
      this.#leave(
        head,
        withoutStack(() => new PoolStoppedError('stopping'))
      )
    }
  }

  #leave(waiter: AdmissionWaiter, reason: unknown): void {
    this.#parts.scheduler.leave(waiter)
    this.#detach(waiter)
    waiter.reject(this.#refused(waiter.task, waiter.settings, reason))
  }

  /** A place is there for this waiter, or an answer that no waiting will change. */
  #answer(waiter: AdmissionWaiter, now: number): void {
    const { task, settings } = waiter
    for (const signal of waiter.signals) {
      // Its abort is on the way to us: what it ends first may be what freed this place.
      if (signal.aborted) return waiter.reject(this.#refused(task, settings, signal.reason))
    }
    const existing = this.#owner.taskOf(settings.task.id)
    if (existing !== undefined) {
      const error = this.#refused(
        task,
        settings,
        withoutStack(() => new DuplicateTaskError(existing.id))
      )
      return settings.task.join ? waiter.resolve(existing) : waiter.reject(error)
    }
    const verdict = this.#parts.scheduler.grant(task, waiter, now)
    if (verdict > TO_QUEUE)
      return waiter.reject(this.#refused(task, settings, this.#owner.refusal(verdict, settings.task)))
    task.queuedMs = this.#parts.turn.stamp
    waiter.resolve(task)
    this.#owner.accept(task, verdict, settings.task)
  }

  #refused<E>(task: PoolTask, settings: WaitSettings, error: E): E {
    this.#owner.refuse(task.work as Work, settings.task, error)
    return error
  }

  #detach(waiter: AdmissionWaiter): void {
    this.#parts.deadlines.clear(waiter.deadline)
    for (const signal of waiter.signals) this.#parts.signals.unsubscribe(signal, waiter)
  }

  // ── tasks that wait for themselves ───────────────────────────────────────────────────────────────────────────────

  /** The attempt that would wait here without a limit. */
  #inside({ waitMs, waitSignal, task }: WaitSettings): AttemptContext | undefined {
    const unlimited = waitMs === Number.POSITIVE_INFINITY && waitSignal === undefined && task.signal === undefined
    return unlimited ? this.#parts.selfWait?.current : undefined
  }

  /** When every running task waits in this line, no place can become free: the newest of them is told. */
  #breakDeadlock(now: number): void {
    const { selfWait, scheduler } = this.#parts
    if (selfWait === null || scheduler.running === 0 || scheduler.mayStartMore(now)) return
    const inside = new Set<AttemptContext>()
    let newest: AdmissionWaiter | undefined
    for (let waiter = scheduler.waiters.head; waiter !== null; waiter = waiter.next) {
      if (waiter.inside === undefined || AttemptContext.hasEnded(waiter.inside)) continue
      inside.add(waiter.inside)
      newest = waiter
    }
    if (newest === undefined || inside.size < scheduler.running) return
    this.dismiss(
      newest,
      new PoolDeadlockError(
        `All ${scheduler.running} running tasks of this pool wait for room in it, so none can become free. ` +
          'Give the wait a limit (`waitMs`), queue from outside a task, or use a second pool.'
      )
    )
  }
}
