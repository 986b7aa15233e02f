import { EventEmitter } from 'eventemitter3'
import { oneOf, wording } from './checks.js'
import { callHook } from './hooks.js'
import type { StopReport } from './reports.js'
import type { Task } from './task-contract.js'

/** What a pool tells, and what each listener is given. */
export interface PoolEvents {
  /** A task was accepted; it may be running already. */
  queued: [task: Task]
  /** A task's function is about to be called. */
  started: [task: Task]
  /** An attempt failed and there will be another. */
  retrying: [task: Task, retry: RetryNotice]
  /** A running task said how far it is; at most once per turn of the event loop. */
  progress: [task: Task]
  /** A task's function returned. */
  succeeded: [task: Task]
  /** A task's function threw and there is no further attempt, or it was interrupted. */
  failed: [task: Task]
  /** A task was canceled. */
  canceled: [task: Task]
  /** A task reached its final state; follows one of the three above. */
  settled: [task: Task]
  /** A task was asked to end `stuckAfterMs` ago and still runs. */
  stuck: [task: Task]
  /** A task was refused; comes before the throw. */
  refused: [refusal: RefusalNotice]
  /** Nothing is queued, waiting for a retry or running any more. */
  idle: []
  /** `stop()` began. */
  stopping: [stopping: StoppingNotice]
  /** The pool has stopped. The last event. */
  stopped: [report: StopReport]
}

/** What `retrying` tells besides the task. */
export interface RetryNotice {
  /** What the attempt failed with. */
  readonly error: unknown
  /** In how many milliseconds the next one is due. */
  readonly delayMs: number
}

/** What `refused` tells. */
export interface RefusalNotice {
  /** What the caller gets: the error, or the reason of the signal that ended its wait. */
  readonly error: unknown
  /** The name of the handler, or the one given to a function. */
  readonly name?: string
  /** Whose task it would have been. */
  readonly key?: string
}

/** What `stopping` tells. */
export interface StoppingNotice {
  /** What was given to `stop`. */
  readonly reason: unknown
}

/** The name of an event. */
export type PoolEventName = keyof PoolEvents

/** A listener. It can harm neither the pool nor other listeners: what it throws goes to `onUnobservedError`. */
export type PoolListener<N extends PoolEventName> = (...args: PoolEvents[N]) => unknown

/** One bit for each event. */
export const EVENT_BIT = {
  queued: 1,
  started: 2,
  retrying: 4,
  progress: 8,
  succeeded: 16,
  failed: 32,
  canceled: 64,
  settled: 128,
  stuck: 256,
  refused: 512,
  idle: 1_024,
  stopping: 2_048,
  stopped: 4_096
} as const satisfies Record<PoolEventName, number>

type AnyListener = (...args: unknown[]) => void

/** The pool's listeners, each wrapped so that none can throw at the pool or at the next one. */
export class Listeners {
  /** The events somebody listens to, as bits of {@link EVENT_BIT}: without a listener an event costs one test of a bit. */
  mask = 0
  readonly #emitter = new EventEmitter<Record<PoolEventName, unknown[]>>()
  /** The wrapper of each listener, so that `off` finds it. */
  readonly #wrappers = new Map<PoolEventName, WeakMap<object, AnyListener>>()
  readonly #report: (error: unknown, event: PoolEventName, task: unknown) => void

  constructor(report: (error: unknown, event: PoolEventName, task: unknown) => void) {
    this.#report = report
  }

  on<N extends PoolEventName>(event: N, listener: PoolListener<N>): void {
    check(event, listener)
    this.#emitter.on(event, this.#wrap(event, listener))
    this.mask |= EVENT_BIT[event]
  }

  once<N extends PoolEventName>(event: N, listener: PoolListener<N>): void {
    check(event, listener)
    this.#emitter.once(event, this.#wrap(event, listener))
    this.mask |= EVENT_BIT[event]
  }

  off<N extends PoolEventName>(event: N, listener: PoolListener<N>): void {
    check(event, listener)
    const wrapper = this.#wrappers.get(event)?.get(listener)
    if (wrapper === undefined) return
    this.#emitter.off(event, wrapper)
    this.#listen(event)
  }

  emit<N extends PoolEventName>(event: N, ...args: PoolEvents[N]): void {
    if ((this.mask & EVENT_BIT[event]) === 0) return
    this.#emitter.emit(event, ...args)
    this.#listen(event)
  }

  /** A `once` may have been the last. */
  #listen(event: PoolEventName): void {
    if (this.#emitter.listenerCount(event) === 0) this.mask &= ~EVENT_BIT[event]
  }

  #wrap<N extends PoolEventName>(event: N, listener: PoolListener<N>): AnyListener {
    let wrappers = this.#wrappers.get(event)
    if (wrappers === undefined) {
      wrappers = new WeakMap()
      this.#wrappers.set(event, wrappers)
    }
    let wrapper = wrappers.get(listener)
    if (wrapper === undefined) {
      wrapper = (...args) => this.#call(event, listener as (...args: unknown[]) => unknown, args)
      wrappers.set(listener, wrapper)
    }
    return wrapper
  }

  #call(event: PoolEventName, listener: (...args: unknown[]) => unknown, args: unknown[]): void {
    callHook(
      () => listener(...args),
      (error) => this.#report(error, event, args[0])
    )
  }
}

function check(event: unknown, listener: unknown): void {
  oneOf('event', event, Object.keys(EVENT_BIT))
  if (typeof listener !== 'function') throw new TypeError(wording('listener', 'a function', listener))
}
