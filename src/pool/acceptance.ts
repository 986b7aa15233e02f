import { EVENT_BIT } from '../contract/events.js'
import type { TaskSettings } from '../contract/task-settings.js'
import type { Attempts } from '../running/attempts.js'
import { TO_WORKER, type Verdict } from '../scheduler/intake.js'
import { CANCELED } from '../scheduler/lifecycle.js'
import { Cancellation } from '../task/cancellation.js'
import type { PoolTask } from '../task/task.js'
import { Handler } from '../task/work.js'
import type { Tickets } from '../tickets/tickets.js'
import { Deadline } from '../waiting/deadlines.js'
import type { Delays } from './delays.js'
import type { Durability } from './durability.js'
import type { Pauses } from './pauses.js'
import type { Dispatch, PoolParts } from './pool-parts.js'

/** The parts that an acceptance acts on. */
export interface AcceptanceParts {
  readonly tickets: Tickets
  readonly attempts: Attempts
  readonly delays: Delays
  readonly pauses: Pauses
  readonly durability: Durability | null
}

/** What follows when the scheduler has accepted a task: its options take effect, and it starts if it got a worker. */
export class Acceptance {
  readonly #parts: PoolParts
  readonly #listeners: PoolParts['listeners']
  readonly #queueTimeoutMs: number
  readonly #tickets: Tickets
  readonly #attempts: Attempts
  readonly #delays: Delays
  readonly #pauses: Pauses
  readonly #durability: Durability | null
  /** Whether the mirror gets what is in memory. */
  readonly #publishes: boolean
  readonly #dispatch: Dispatch

  constructor(
    parts: PoolParts,
    { tickets, attempts, delays, pauses, durability }: AcceptanceParts,
    dispatch: Dispatch
  ) {
    this.#parts = parts
    this.#listeners = parts.listeners
    this.#queueTimeoutMs = parts.settings.queueTimeoutMs
    this.#tickets = tickets
    this.#attempts = attempts
    this.#delays = delays
    this.#pauses = pauses
    this.#durability = durability
    this.#publishes = durability === null && parts.settings.mirror !== undefined
    this.#dispatch = dispatch
  }

  accept(task: PoolTask, verdict: Verdict, settings: TaskSettings | undefined): void {
    if (settings !== undefined) this.#equip(task, settings)
    if (this.#durability !== null) this.#durability.enter(task, settings)
    if (verdict === TO_WORKER) this.#attempts.start(task)
    if (verdict !== TO_WORKER || (this.#durability !== null && this.#attempts.isHeld(task))) this.#hold(task, settings)
    if (this.#publishes) this.#publish(task)
    if ((this.#listeners.mask & EVENT_BIT.queued) !== 0) this.#listeners.emit(task.scope, 'queued', task)
  }

  #equip(task: PoolTask, given: TaskSettings): void {
    const settings = task.work instanceof Handler ? task.work.complete(given) : given
    const { id, name, timeoutMs, signal, retry, metadata, fingerprint, retainMs } = settings
    if (id !== undefined) this.#tickets.register(task, id, settings.onDuplicate)
    const hasDetails = [name, timeoutMs, signal, retry, metadata, fingerprint, retainMs].some(
      (value) => value !== undefined
    )
    if (hasDetails) task.detailed().take(settings)
    if (signal !== undefined) this.#parts.signals.subscribe(signal, task)
  }

  #hold(task: PoolTask, settings: TaskSettings | undefined): void {
    if (this.#parts.scheduler.paused) this.#pauses.watch()
    if (settings !== undefined && settings.delayMs > 0) this.#delays.begin(task, () => this.#limit(task, settings))
    else this.#limit(task, settings)
  }

  #limit(task: PoolTask, settings: TaskSettings | undefined): void {
    const queueTimeoutMs = settings?.queueTimeoutMs ?? this.#queueTimeoutMs
    if (queueTimeoutMs !== Number.POSITIVE_INFINITY) this.limitQueueing(task, queueTimeoutMs)
  }

  /** Copies each visible change to the mirror: there is no store to wait for. */
  #publish(task: PoolTask): void {
    const { mirror, retention } = this.#parts.settings
    const publish = (): void => mirror?.publish(task.record(), task.retainMs ?? retention.ms)
    task.detailed().publish = publish
    publish()
  }

  /** Cancels a task that has not been called when this time has passed. */
  limitQueueing(task: PoolTask, queueTimeoutMs: number): void {
    const details = task.detailed()
    details.deadline = new Deadline(() => this.#dispatch.settle(task, CANCELED, new Cancellation('queue_timeout')))
    this.#parts.deadlines.set(details.deadline, queueTimeoutMs, true)
  }
}
