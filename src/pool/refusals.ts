import {
  KeyQueueFullError,
  type PoolError,
  PoolStoppedError,
  QueueFullError,
  withoutStack
} from '../contract/errors.js'
import { EVENT_BIT, type Listeners } from '../contract/events.js'
import type { Scope } from '../contract/hooks.js'
import type { TaskSettings } from '../contract/task-settings.js'
import { FULL, KEY_FULL, type Verdict } from '../scheduler/intake.js'
import { CREATED, STOPPING } from '../scheduler/lifecycle.js'
import { Handler, type Work } from '../task/work.js'
import type { PoolParts } from './pool-parts.js'

/** Why nothing moves in a pool, where the reason is not a lack of time: what a newcomer forgets most. */
export function whyNothingMoves({ stage, paused }: PoolParts['scheduler']): string | undefined {
  if (stage === CREATED) return 'The pool was not started.'
  return paused ? 'The pool is paused.' : undefined
}

/** So often at most, in milliseconds, an error has a stack: it would be the greater part of the cost of a refusal. */
const STACK_EVERY_MS = 1_000

/** Refusals: each is counted and reported once, and becomes a typed error. */
export class Refusals {
  readonly #clock: PoolParts['clock']
  readonly #scheduler: PoolParts['scheduler']
  readonly #listeners: Listeners
  #stackAt = Number.NEGATIVE_INFINITY

  constructor({ clock, scheduler, listeners }: PoolParts) {
    this.#clock = clock
    this.#scheduler = scheduler
    this.#listeners = listeners
  }

  /**
   * Counts and reports a refusal, and gives its error back.
   *
   * @param scope - the context of the refused caller, if it is not the present one
   */
  refuse<E>(work: Work, settings: TaskSettings | undefined, error: E, scope: Scope | null = null): E {
    this.#scheduler.refused++
    if ((this.#listeners.mask & EVENT_BIT.refused) === 0) return error
    const name = work instanceof Handler ? work.name : settings?.name
    const key = settings?.key
    this.#listeners.emit(scope, 'refused', {
      error,
      ...(name === undefined ? undefined : { name }),
      ...(key === undefined ? undefined : { key })
    })
    return error
  }

  /**
   * Builds the error of a call. Its stack names the line of the caller, so that an error that nobody catches can be
   * found; in an overload only one a second has it.
   */
  build<E extends PoolError | undefined>(make: () => E): E {
    const now = this.#clock.now()
    if (now - this.#stackAt < STACK_EVERY_MS) return withoutStack(make)
    this.#stackAt = now
    this.#listeners.findSubscribers()
    return make()
  }

  /** The error of a verdict that a call gets at once. */
  errorOf(verdict: Verdict, settings: TaskSettings | undefined): PoolError {
    return this.build(() => this.#make(verdict, settings))
  }

  /** The error of a verdict that a caller who waited gets: the stack of now is that of somebody else's step. */
  lateErrorOf(verdict: Verdict, settings: TaskSettings): PoolError {
    return withoutStack(() => this.#make(verdict, settings))
  }

  #make(verdict: Verdict, settings: TaskSettings | undefined): PoolError {
    const scheduler = this.#scheduler
    const { concurrency, queueCapacity, running, held: queued } = scheduler
    if (verdict !== FULL && verdict !== KEY_FULL)
      return new PoolStoppedError(scheduler.stage === STOPPING ? 'stopping' : 'stopped')
    const retryAfterMs = scheduler.prospects.retryAfterMs(this.#clock.now(), settings?.key)
    if (verdict === FULL) {
      const { weights } = scheduler
      const { weight = 1 } = settings ?? {}
      const facts = { concurrency, queueCapacity, running, queued, retryAfterMs }
      return new QueueFullError(
        weights === null
          ? facts
          : { ...facts, weights: { weight, heldWeight: weights.held, weightCapacity: weights.capacity } },
        whyNothingMoves(scheduler)
      )
    }
    const key = settings?.key as string
    const { held, ...share } = scheduler.intake.shareOf(key)
    return new KeyQueueFullError(key, { ...share, queued: held, retryAfterMs })
  }
}
