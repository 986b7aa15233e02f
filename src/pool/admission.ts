import { DuplicateTaskError } from '../contract/errors.js'
import type { TaskSettings, WaitSettings } from '../contract/task-settings.js'
import { FULL, TO_QUEUE, type Verdict } from '../scheduler/intake.js'
import type { KeyBounds } from '../scheduler/lane.js'
import { STOPPING } from '../scheduler/lifecycle.js'
import { captureContext } from '../task/async-context.js'
import { PoolTask } from '../task/task.js'
import type { Work } from '../task/work.js'
import type { Tickets } from '../tickets/tickets.js'
import { throwIfAborted } from '../waiting/signals.js'
import type { Acceptance } from './acceptance.js'
import type { Durability } from './durability.js'
import type { Dispatch, PoolParts } from './pool-parts.js'
import type { Refusals } from './refusals.js'
import type { Waiters } from './waiters.js'

/** The parts that a verdict is carried out by. */
export interface AdmissionParts {
  readonly tickets: Tickets
  readonly refusals: Refusals
  readonly acceptance: Acceptance
  readonly durability: Durability | null
  readonly waiters: Waiters
}

/** Accepts a task, refuses it, or lets its caller wait for room. */
export class Admission {
  readonly #clock: PoolParts['clock']
  readonly #scheduler: PoolParts['scheduler']
  readonly #turn: PoolParts['turn']
  readonly #times: PoolParts['times']
  readonly #capturesContext: boolean
  readonly #boundsOf: ((key: string) => KeyBounds) | null
  readonly #tickets: Tickets
  readonly #refusals: Refusals
  readonly #acceptance: Acceptance
  readonly #waiters: Waiters
  readonly #durability: Durability | null
  readonly #dispatch: Dispatch

  constructor({ clock, scheduler, turn, times, settings }: PoolParts, parts: AdmissionParts, dispatch: Dispatch) {
    this.#clock = clock
    this.#scheduler = scheduler
    this.#turn = turn
    this.#times = times
    this.#capturesContext = settings.captureContext
    this.#boundsOf = typeof settings.perKey === 'function' ? settings.perKey : null
    this.#tickets = parts.tickets
    this.#refusals = parts.refusals
    this.#acceptance = parts.acceptance
    this.#waiters = parts.waiters
    this.#durability = parts.durability
    this.#dispatch = dispatch
  }

  /** Accepts a task or throws the reason why not. The task's function is not called before this has returned. */
  submit(work: Work, input: unknown, settings: TaskSettings | undefined): PoolTask {
    if (this.#boundsOf === null || settings?.key === undefined) return this.#submit(work, input, settings)
    return this.#withBounds(this.#boundsOf, settings.key, () => this.#submit(work, input, settings))
  }

  /** The same, but where there is no room the caller waits for it. */
  async submitWhenFree(work: Work, input: unknown, settings: WaitSettings): Promise<PoolTask> {
    const { key } = settings.task
    if (this.#boundsOf === null || key === undefined) return this.#submitWhenFree(work, input, settings)
    return this.#withBounds(this.#boundsOf, key, () => this.#submitWhenFree(work, input, settings))
  }

  /** Submits a task of a key with bounds of its own. They are the user's to say: nothing has been decided before. */
  #withBounds<T>(boundsOf: (key: string) => KeyBounds, key: string, submit: () => T): T {
    this.#scheduler.intake.openKey(key, boundsOf)
    try {
      return submit()
    } finally {
      this.#scheduler.intake.closeKey(key)
    }
  }

  #submit(work: Work, input: unknown, settings: TaskSettings | undefined): PoolTask {
    const now = this.#catchUp()
    const existing = settings === undefined ? undefined : this.#existing(work, settings)
    if (existing !== undefined) return existing
    if (this.#durability !== null) this.#requireStore(this.#durability, work, settings)
    const task = new PoolTask(this.#dispatch, work, input, this.#turn.stamp)
    const verdict = this.#admit(task, settings, now)
    if (verdict > TO_QUEUE) throw this.#refused(work, settings, verdict)
    if (this.#capturesContext) task.context = captureContext()
    this.#times.check(task.queuedMs)
    this.#acceptance.accept(task, verdict, settings)
    return task
  }

  #submitWhenFree(work: Work, input: unknown, settings: WaitSettings): PoolTask | Promise<PoolTask> {
    const now = this.#catchUp()
    throwIfAborted(settings.waitSignal)
    const existing = this.#existing(work, settings.task)
    if (existing !== undefined) return existing
    if (this.#durability !== null) this.#requireStore(this.#durability, work, settings.task)
    const task = new PoolTask(this.#dispatch, work, input, this.#turn.stamp)
    if (this.#capturesContext) task.context = captureContext()
    const verdict = this.#admit(task, settings.task, now)
    if (verdict === FULL) return this.#waiters.join(task, settings)
    if (verdict > TO_QUEUE) throw this.#refused(work, settings.task, verdict)
    this.#times.check(task.queuedMs)
    this.#acceptance.accept(task, verdict, settings.task)
    return task
  }

  /** Where a rate limits the starts, the tasks that may start by now start before the newcomer is judged, even if the timer is late. */
  #catchUp(): number {
    if (!this.#scheduler.timed) return 0
    const now = this.#dispatch.schedulerNow
    this.#dispatch.startDue(now)
    return now
  }

  #admit(task: PoolTask, settings: TaskSettings | undefined, now: number): Verdict {
    const verdict =
      settings === undefined
        ? this.#scheduler.intake.admit(task, 0, undefined, now)
        : settings.delayMs === 0
          ? this.#scheduler.intake.admit(task, settings.priority, settings.key, now, settings.weight)
          : this.#admitDelayed(task, settings)
    if (this.#scheduler.timed) this.#dispatch.watchRate(now)
    return verdict
  }

  #admitDelayed(task: PoolTask, { priority, key, delayMs, weight }: TaskSettings): Verdict {
    return this.#scheduler.intake.admitDelayed(task, priority, key, this.#clock.now() + delayMs, weight)
  }

  /** @throws StoreError while a task that is to be stored cannot be written */
  #requireStore(durability: Durability, work: Work, settings: TaskSettings | undefined): void {
    const refusal = this.#refusals.build(() => durability.refusal(work, settings?.id))
    if (refusal !== undefined) throw this.#refusals.refuse(work, settings, refusal)
  }

  #refused(work: Work, settings: TaskSettings | undefined, verdict: Verdict): Error {
    return this.#refusals.refuse(work, settings, this.#refusals.errorOf(verdict, settings))
  }

  /** What is decided before admission: a signal that has aborted, an id that is taken. */
  #existing(work: Work, settings: TaskSettings): PoolTask | undefined {
    throwIfAborted(settings.signal)
    const existing = this.#tickets.holder(settings)
    if (existing === undefined || settings.onDuplicate !== 'refuse') return existing
    if (this.#scheduler.stage >= STOPPING) return undefined
    throw this.#refusals.refuse(
      work,
      settings,
      this.#refusals.build(() => new DuplicateTaskError(existing.id))
    )
  }
}
