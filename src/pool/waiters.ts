import {
  DuplicateTaskError,
  PoolDeadlockError,
  PoolStoppedError,
  WaitFullError,
  WaitTimeoutError,
  withoutStack
} from '../contract/errors.js'
import type { WaitSettings } from '../contract/task-settings.js'
import { TO_QUEUE } from '../scheduler/intake.js'
import type { PoolTask } from '../task/task.js'
import { AttemptContext } from '../task/task-context.js'
import type { Work } from '../task/work.js'
import type { Tickets } from '../tickets/tickets.js'
import type { Acceptance } from './acceptance.js'
import type { Durability } from './durability.js'
import type { Dispatch, PoolParts } from './pool-parts.js'
import type { Refusals } from './refusals.js'
import { AdmissionWaiter } from './waiter.js'

/** The parts that waiters are admitted by. */
export interface WaitersParts {
  readonly tickets: Tickets
  readonly refusals: Refusals
  readonly acceptance: Acceptance
  readonly durability: Durability | null
}

/** The callers that wait for room: who joins, who gets a place, who leaves. Their order is the scheduler's. */
export class Waiters {
  readonly #parts: PoolParts
  readonly #tickets: Tickets
  readonly #refusals: Refusals
  readonly #acceptance: Acceptance
  readonly #durability: Durability | null
  readonly #dispatch: Dispatch

  constructor(parts: PoolParts, { tickets, refusals, acceptance, durability }: WaitersParts, dispatch: Dispatch) {
    this.#parts = parts
    this.#durability = durability
    this.#tickets = tickets
    this.#refusals = refusals
    this.#acceptance = acceptance
    this.#dispatch = dispatch
  }

  /**
   * There is no room for this task now: its caller waits.
   *
   * @throws WaitTimeoutError when the caller does not want to wait
   * @throws WaitFullError when too many wait already
   */
  join(task: PoolTask, settings: WaitSettings): Promise<PoolTask> {
    const { scheduler, clock, deadlines, signals } = this.#parts
    if (settings.waitMs === 0)
      throw this.#refused(
        task,
        settings,
        this.#refusals.build(
          () => new WaitTimeoutError(0, scheduler.prospects.retryAfterMs(clock.now(), settings.task.key))
        )
      )
    const since = clock.now()
    const waiter = new AdmissionWaiter(
      task,
      settings,
      this.#inside(settings),
      (waiter, reason) => this.#dismiss(waiter, reason),
      () =>
        withoutStack(
          () =>
            new WaitTimeoutError(clock.now() - since, scheduler.prospects.retryAfterMs(clock.now(), settings.task.key))
        )
    )
    if (!scheduler.intake.wait(waiter))
      throw this.#refused(
        task,
        settings,
        this.#refusals.build(
          () =>
            new WaitFullError(scheduler.waiters.size, scheduler.prospects.retryAfterMs(clock.now(), settings.task.key))
        )
      )
    deadlines.set(waiter.deadline, settings.waitMs, true)
    for (const signal of waiter.signals) signals.subscribe(signal, waiter)
    this.#dispatch.startDue() // with a rate, there is a moment to wake up for; the wait may be a deadlock
    return waiter.granted
  }

  /** Gives what room there is to the first waiter, then to the next. */
  serve(now: number): void {
    const { scheduler } = this.#parts
    for (;;) {
      const waiter = scheduler.intake.nextWaiter(now)
      if (waiter === null) break
      this.#detach(waiter)
      this.#answer(waiter, now)
      scheduler.intake.served(waiter)
    }
    this.#breakDeadlock(now)
  }

  /** A waiter leaves without a place; the next one may have been behind it only. */
  #dismiss(waiter: AdmissionWaiter, reason: unknown): void {
    this.#leave(waiter, reason)
    this.#dispatch.startDue()
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
    this.#parts.scheduler.intake.leave(waiter)
    this.#detach(waiter)
    waiter.reject(this.#refused(waiter.task, waiter.settings, reason))
  }

  /** There is a place for this waiter, or a verdict that no waiting will change. */
  #answer(waiter: AdmissionWaiter, now: number): void {
    const { task, settings } = waiter
    for (const signal of waiter.signals) {
      // Its abort event is still to come: another subscriber of the same signal may have freed this place.
      if (signal.aborted) return waiter.reject(this.#refused(task, settings, signal.reason))
    }
    const existing = this.#tickets.holder(settings.task)
    if (existing !== undefined) {
      const error = this.#refused(
        task,
        settings,
        withoutStack(() => new DuplicateTaskError(existing.id))
      )
      return settings.task.onDuplicate === 'refuse' ? waiter.reject(error) : waiter.resolve(existing)
    }
    const refusal = withoutStack(() => this.#durability?.refusal(task.work as Work, settings.task.id))
    if (refusal !== undefined) return waiter.reject(this.#refused(task, settings, refusal))
    const { scheduler, clock } = this.#parts
    const verdict = waiter.delayed
      ? scheduler.intake.grantDelayed(task, waiter, clock.now() + settings.task.delayMs)
      : scheduler.intake.grant(task, waiter, now)
    if (verdict > TO_QUEUE)
      return waiter.reject(this.#refused(task, settings, this.#refusals.lateErrorOf(verdict, settings.task)))
    task.queuedMs = this.#parts.turn.stamp
    this.#parts.times.check(task.queuedMs)
    waiter.resolve(task)
    this.#acceptance.accept(task, verdict, settings.task)
  }

  #refused<E>(task: PoolTask, settings: WaitSettings, error: E): E {
    return this.#refusals.refuse(task.work as Work, settings.task, error, task.scope)
  }

  #detach(waiter: AdmissionWaiter): void {
    this.#parts.deadlines.clear(waiter.deadline)
    for (const signal of waiter.signals) this.#parts.signals.unsubscribe(signal, waiter)
  }

  // ── tasks that wait for themselves ───────────────────────────────────────────────────────────────────────────────

  /** The attempt inside which the call was made, if the wait has no limit. */
  #inside({ waitMs, waitSignal, task }: WaitSettings): AttemptContext | undefined {
    const unlimited = waitMs === Number.POSITIVE_INFINITY && waitSignal === undefined && task.signal === undefined
    return unlimited ? this.#parts.selfWait?.current : undefined
  }

  /** When every running task waits here, no place can become free: the newest of the waits is ended. */
  #breakDeadlock(now: number): void {
    const { selfWait, scheduler } = this.#parts
    if (selfWait === null || scheduler.running === 0 || scheduler.prospects.mayStartMore(now)) return
    const inside = new Set<AttemptContext>()
    let newest: AdmissionWaiter | undefined
    for (let waiter = scheduler.waiters.head; waiter !== null; waiter = waiter.next) {
      if (waiter.inside === undefined || AttemptContext.hasEnded(waiter.inside)) continue
      inside.add(waiter.inside)
      newest = waiter
    }
    if (newest === undefined || inside.size < scheduler.running) return
    this.#dismiss(
      newest,
      new PoolDeadlockError(
        `All ${scheduler.running} running tasks of this pool wait for room in it, so none can become free. ` +
          'Give the wait a limit (`waitMs`), queue from outside a task, or use a second pool.'
      )
    )
  }
}
