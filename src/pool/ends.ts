import { type EndNotice, EVENT_BIT } from '../contract/events.js'
import { FAILED, LEFT, type Settled, SUCCEEDED } from '../scheduler/lifecycle.js'
import type { PoolTask } from '../task/task.js'
import type { Wait, Waits } from '../waiting/waits.js'
import type { Pauses } from './pauses.js'
import type { Dispatch, PoolParts } from './pool-parts.js'

/** The events of an end. */
const END_EVENTS = EVENT_BIT.succeeded | EVENT_BIT.failed | EVENT_BIT.canceled | EVENT_BIT.settled

/** How the end of a task becomes known: its promises, those who follow its changes, events; then that the pool is empty. */
export class Ends {
  readonly #parts: PoolParts
  readonly #scheduler: PoolParts['scheduler']
  readonly #listeners: PoolParts['listeners']
  readonly #drains: Waits
  readonly #pauses: Pauses
  readonly #dispatch: Dispatch
  readonly #onEmpty: () => void
  /** Ends under way, one inside the other: a listener of one may cause the next. */
  #underWay = 0
  /** Whether nothing was left at some moment during them, and the waits that this ends. */
  #crossed = false
  readonly #released: Wait[] = []

  constructor(
    parts: PoolParts,
    { drains, pauses }: { readonly drains: Waits; readonly pauses: Pauses },
    dispatch: Dispatch,
    onEmpty: () => void
  ) {
    this.#parts = parts
    this.#scheduler = parts.scheduler
    this.#listeners = parts.listeners
    this.#drains = drains
    this.#pauses = pauses
    this.#dispatch = dispatch
    this.#onEmpty = onEmpty
  }

  /** An end has begun: what its effects cause is part of it, until it is reported. */
  begin(): void {
    this.#underWay++
  }

  /** Reports the end that has begun. */
  report(task: PoolTask, to: Settled | typeof LEFT): void {
    if (this.#scheduler.live === 0) this.#crossZero()
    if (to === FAILED) this.#noteFailure(task)
    task.answer()
    task.notify()
    if (to !== LEFT && (this.#listeners.mask & END_EVENTS) !== 0) this.#emit(task, to)
    task.context = null
    this.finish()
  }

  /** What has begun is over. */
  finish(): void {
    if (--this.#underWay === 0 && this.#crossed) this.#emptied()
  }

  /** A failure that nobody observes yet. */
  #noteFailure(task: PoolTask): void {
    const heard = this.#listeners.listensTo(EVENT_BIT.failed | EVENT_BIT.settled)
    if (task.observers === null && !heard) this.#parts.unobserved.failed(task)
  }

  #emit(task: PoolTask, to: Settled): void {
    const { scope } = task
    if (to === SUCCEEDED) this.#listeners.emit(scope, 'succeeded', task)
    else {
      const event = to === FAILED ? 'failed' : 'canceled'
      if ((this.#listeners.mask & EVENT_BIT[event]) !== 0) this.#listeners.emit(scope, event, task, noticeOf(task))
    }
    this.#listeners.emit(scope, 'settled', task)
  }

  /** Nothing is left: the waits of now end, even if a task is added before they are resolved. */
  #crossZero(): void {
    this.#crossed = true
    this.#pauses.watch()
    for (const wait of this.#drains.take()) this.#released.push(wait)
  }

  /** All ends have been reported, also those that listeners of an end caused. */
  #emptied(): void {
    this.#crossed = false
    this.#drains.release(this.#released.splice(0))
    if (this.#scheduler.live > 0) return
    this.#listeners.emit(this.#dispatch.scope, 'idle')
    if (this.#scheduler.live === 0) this.#onEmpty()
  }
}

/** The error of a cancel has the id, and a task whose id was read takes room among the retained: it is made when read. */
function noticeOf(task: PoolTask): EndNotice {
  return {
    get error() {
      return task.rejection()
    }
  }
}
