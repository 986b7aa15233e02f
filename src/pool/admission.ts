import {
  DuplicateTaskError,
  KeyQueueFullError,
  PoolStoppedError,
  QueueFullError,
  withoutStack
} from '../contract/errors.js'
import { EVENT_BIT } from '../contract/events.js'
import type { TaskSettings, WaitSettings } from '../contract/settings.js'
import { CANCELED, CREATED, type Settled, STOPPING } from '../scheduler/lifecycle.js'
import { FULL, KEY_FULL, TO_QUEUE, TO_WORKER, type Verdict } from '../scheduler/scheduler.js'
import { captureContext } from '../task/async-context.js'
import { Cancellation, Handler, PoolTask, type TaskOwner, type Work } from '../task/task.js'
import type { Tickets } from '../tickets/tickets.js'
import { Deadline } from '../waiting/deadlines.js'
import { throwIfAborted } from '../waiting/signals.js'
import type { PoolParts } from './pool-parts.js'
import { Waiters, type WaitersOwner } from './waiters.js'

/** What admission needs of the dispatcher. */
export interface AdmissionOwner extends TaskOwner {
  readonly tickets: Tickets
  /** The time for the scheduler, read where it matters only. */
  readonly schedulerNow: number
  /** Starts whatever may start by now, lets in whoever may come in, and sees when the next may. */
  startDue(now?: number): void
  /** Wakes up when the rate lets the next task start. */
  watchRate(now: number): void
  /** Gives a task to its worker. */
  startTask(task: PoolTask): void
  settle(task: PoolTask, to: Settled, payload: unknown): void
}

/** Why nothing moves in a pool, where it is not for want of time: what a newcomer forgets most. */
export function whyNothingMoves({ stage, paused }: PoolParts['scheduler']): string | undefined {
  if (stage === CREATED) return 'The pool was not started.'
  return paused ? 'The pool is paused.' : undefined
}

/** The desk: a task is accepted, refused, or its caller waits in the line. */
export class Admission implements WaitersOwner {
  readonly waiters: Waiters
  readonly #parts: PoolParts
  readonly #scheduler: PoolParts['scheduler']
  readonly #turn: PoolParts['turn']
  readonly #listeners: PoolParts['listeners']
  readonly #queueTimeoutMs: number
  readonly #capturesContext: boolean
  readonly #owner: AdmissionOwner

  constructor(parts: PoolParts, owner: AdmissionOwner) {
    this.#parts = parts
    this.#scheduler = parts.scheduler
    this.#turn = parts.turn
    this.#listeners = parts.listeners
    this.#queueTimeoutMs = parts.settings.queueTimeoutMs
    this.#capturesContext = parts.settings.captureContext
    this.#owner = owner
    this.waiters = new Waiters(parts, this)
  }

  /** Accepts a task or throws why not. The task's function is not called before this has returned. */
  submit(work: Work, input: unknown, settings: TaskSettings | undefined): PoolTask {
    const now = this.#catchUp()
    const existing = settings === undefined ? undefined : this.#known(work, settings)
    if (existing !== undefined) return existing
    const task = new PoolTask(this.#owner, work, input, this.#turn.stamp)
    const verdict = this.#admit(task, settings, now)
    if (verdict > TO_QUEUE) throw this.#refused(work, settings, verdict)
    if (this.#capturesContext) task.context = captureContext()
    this.accept(task, verdict, settings)
    return task
  }

  /** The same, but waits for room where there is none. */
  async submitWhenFree(work: Work, input: unknown, settings: WaitSettings): Promise<PoolTask> {
    const now = this.#catchUp()
    throwIfAborted(settings.waitSignal)
    const existing = this.#known(work, settings.task)
    if (existing !== undefined) return existing
    const task = new PoolTask(this.#owner, work, input, this.#turn.stamp)
    if (this.#capturesContext) task.context = captureContext()
    const verdict = this.#admit(task, settings.task, now)
    if (verdict === FULL) return this.waiters.join(task, settings)
    if (verdict > TO_QUEUE) throw this.#refused(work, settings.task, verdict)
    this.accept(task, verdict, settings.task)
    return task
  }

  /** With a rate, whoever may start by now goes before the newcomer, though the timer may be late. */
  #catchUp(): number {
    if (this.#scheduler.rate === null) return 0
    const now = this.#owner.schedulerNow
    this.#owner.startDue(now)
    return now
  }

  #admit(task: PoolTask, settings: TaskSettings | undefined, now: number): Verdict {
    const verdict =
      settings === undefined
        ? this.#scheduler.admit(task, 0, undefined, now)
        : this.#scheduler.admit(task, settings.priority, settings.key, now)
    if (this.#scheduler.rate !== null) this.#owner.watchRate(now)
    return verdict
  }

  #refused(work: Work, settings: TaskSettings | undefined, verdict: Verdict): Error {
    const error = this.refusal(verdict, settings)
    this.refuse(work, settings, error)
    return error
  }

  /** What is decided before admission: a signal that has aborted, an id that is taken. */
  #known(work: Work, settings: TaskSettings): PoolTask | undefined {
    throwIfAborted(settings.signal)
    const existing = this.taskOf(settings.id)
    if (existing === undefined || settings.join) return existing
    if (this.#parts.scheduler.stage >= STOPPING) return undefined
    const error = withoutStack(() => new DuplicateTaskError(existing.id))
    this.refuse(work, settings, error)
    throw error
  }

  /** A task has its place: it gets what was said about it, and a worker if it has one. */
  accept(task: PoolTask, verdict: Verdict, settings: TaskSettings | undefined): void {
    if (settings !== undefined) this.#equip(task, settings)
    if (verdict === TO_WORKER) this.#owner.startTask(task)
    else {
      const queueTimeoutMs = settings?.queueTimeoutMs ?? this.#queueTimeoutMs
      if (queueTimeoutMs !== Number.POSITIVE_INFINITY) this.#limitQueueing(task, queueTimeoutMs)
    }
    if ((this.#listeners.mask & EVENT_BIT.queued) !== 0) this.#listeners.emit('queued', task)
  }

  #equip(task: PoolTask, settings: TaskSettings): void {
    const { id, name, timeoutMs, signal, retry, metadata } = settings
    if (id !== undefined) this.#owner.tickets.register(task, id)
    const isRare = [name, timeoutMs, signal, retry, metadata].some((value) => value !== undefined)
    if (isRare) task.detailed().take(settings)
    if (signal !== undefined) this.#parts.signals.subscribe(signal, task)
  }

  #limitQueueing(task: PoolTask, queueTimeoutMs: number): void {
    const details = task.detailed()
    details.deadline = new Deadline(() => this.#owner.settle(task, CANCELED, new Cancellation('queue_timeout')))
    this.#parts.deadlines.set(details.deadline, queueTimeoutMs, true)
  }

  /** Counts and tells a refusal. */
  refuse(work: Work, settings: TaskSettings | undefined, error: unknown): void {
    const { listeners } = this.#parts
    this.#parts.scheduler.refused++
    if ((listeners.mask & EVENT_BIT.refused) === 0) return
    const name = work instanceof Handler ? work.name : settings?.name
    const key = settings?.key
    listeners.emit('refused', {
      error,
      ...(name === undefined ? undefined : { name }),
      ...(key === undefined ? undefined : { key })
    })
  }

  /** The error for a verdict. */
  refusal(verdict: Verdict, settings: TaskSettings | undefined): Error {
    const scheduler = this.#parts.scheduler
    const { concurrency, queueCapacity, running, held: queued } = scheduler
    const retryAfterMs = scheduler.retryAfterMs()
    return withoutStack(() => {
      if (verdict === FULL) {
        return new QueueFullError(
          { concurrency, queueCapacity, running, queued, retryAfterMs },
          whyNothingMoves(scheduler)
        )
      }
      if (verdict !== KEY_FULL) return new PoolStoppedError(scheduler.stage === STOPPING ? 'stopping' : 'stopped')
      const key = settings?.key as string
      const { held, ...share } = scheduler.shareOf(key)
      return new KeyQueueFullError(key, { ...share, queued: held, retryAfterMs })
    })
  }

  /** The live or retained task that has this id. */
  taskOf(id: string | undefined): PoolTask | undefined {
    return id === undefined ? undefined : this.#owner.tickets.find(id)
  }

  startDue(): void {
    this.#owner.startDue()
  }
}
