import { DrainTimeoutError, PoolDeadlockError } from '../../src/index.js'
import { Watched } from './actor.js'
import { given } from './given.js'
import { Part } from './part.js'
import type { Action } from './plan.js'
import type { UserSignal } from './user-signal.js'

const NEVER = Number.POSITIVE_INFINITY

interface Drain {
  readonly watched: Watched
  /** How often nothing had been left when it began. */
  readonly crossings: number
  readonly until: number
  readonly signal: UserSignal | undefined
  /** It would wait for itself. */
  readonly hopeless: boolean
}

/** Those who wait until nothing is left. */
export class Drains extends Part {
  readonly #drains: Drain[] = []

  drain({ timeoutMs, signal: index }: Action & { readonly do: 'drain' }): void {
    const { explainer, callers, model, pool, selfWaits, now, seen } = this.world
    const signal = callers.signal(index)
    explainer.sync()
    // nothing is left at the call: that is a crossing of its own
    const crossings = model.live === 0 ? -1 : model.crossings
    const unlimited = timeoutMs === undefined && signal === undefined
    const hopeless = unlimited && model.live > 0 && selfWaits.current !== undefined
    if (hopeless) seen.add('a wait for itself')
    const watched = new Watched(pool.drain(given({ timeoutMs, signal: signal?.signal })))
    if (signal === undefined) selfWaits.began(watched)
    this.#drains.push({ watched, crossings, until: now + (timeoutMs ?? NEVER), signal, hopeless })
  }

  /** How many wait. */
  get open(): number {
    return this.#drains.filter(({ watched }) => watched.outcome === undefined).length
  }

  /** The signals of those who wait; and of those whose limit has passed, but whose timer was not fired yet. */
  signals(): { readonly open: ReadonlySet<UserSignal>; readonly overdue: ReadonlySet<UserSignal> } {
    const { model, now } = this.world
    const open = new Set<UserSignal>()
    const overdue = new Set<UserSignal>()
    for (const { signal, crossings, watched, until } of this.#drains) {
      if (signal === undefined || crossings !== model.crossings || watched.outcome !== undefined) continue
      if (until <= now) overdue.add(signal)
      else if (!signal.aborted) open.add(signal)
    }
    return { open, overdue }
  }

  /** What each came to, once no microtask is left. */
  look(): void {
    const { checks, model, now } = this.world
    for (const { watched, crossings, until, signal, hopeless } of this.#drains) {
      const { outcome } = watched
      const crossed = crossings < model.crossings
      if (hopeless) {
        const told = outcome?.well === false && outcome.error instanceof PoolDeadlockError
        checks.that('I6', told, () => 'a drain inside a task was not told that it waits for itself')
      } else if (outcome === undefined) checks.that('I6', !crossed, () => 'a drain was not let go')
      else if (outcome.well) checks.that('I6', crossed, () => 'a drain was let go too early')
      else if (outcome.error instanceof DrainTimeoutError) {
        checks.that('I6', until <= now, () => 'a drain gave up early')
      } else {
        checks.that('I6', signal?.aborted === true && outcome.error === signal.reason, () => 'a drain was aborted')
      }
    }
  }

  /** All timers have fired. */
  lookAtLimits(): void {
    const { checks, now } = this.world
    for (const { watched, until } of this.#drains) {
      checks.that('liveness', watched.outcome !== undefined || until > now, () => 'a drain outlived its limit')
    }
  }
}
