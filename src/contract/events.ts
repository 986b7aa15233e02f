import { type Channel, channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'eventemitter3'
import { oneOf, wording } from './checks.js'
import { callHook, type Scope } from './hooks.js'
import type { StopReport } from './reports.js'
import type { Task } from './task-contract.js'

/** The events of a pool and the arguments of their listeners. Emitted synchronously in the step that causes them. */
export interface PoolEvents {
  /** A task was accepted. Its state may already be `running`. */
  queued: [task: Task]
  /** A task's function is about to be called. */
  started: [task: Task]
  /** An attempt failed and another one is scheduled. */
  retrying: [task: Task, retry: RetryNotice]
  /** A task function threw a `snooze`: it is called again after the delay, as the same attempt. */
  snoozed: [task: Task, snooze: SnoozeNotice]
  /** A running task reported progress. At most once per task and turn of the event loop. */
  progress: [task: Task]
  /** A task's function returned. */
  succeeded: [task: Task]
  /** A task's function threw and no further attempt follows, or the task was interrupted. */
  failed: [task: Task, failure: EndNotice]
  /** A task was canceled. */
  canceled: [task: Task, cancellation: EndNotice]
  /** A task reached its final state. Follows `succeeded`, `failed` or `canceled`. */
  settled: [task: Task]
  /** A task still runs `stuckAfterMs` after its timeout or cancel. */
  stuck: [task: Task]
  /** A task was refused. Emitted before the error is thrown. */
  refused: [refusal: RefusalNotice]
  /** The last task settled: nothing is queued, waiting for a retry or running. Once per change from busy to idle. */
  idle: []
  /** `stop()` began. */
  stopping: [stopping: StoppingNotice]
  /** The pool has stopped. The last event. */
  stopped: [report: StopReport]
  /** A write to the store failed, or the first one after that succeeded. */
  store: [store: StoreNotice]
}

/** The argument of a `store` listener. */
export interface StoreNotice {
  /** Whether the store cannot write now. */
  readonly failing: boolean
  /** What the store threw. Absent once it works again. */
  readonly error?: unknown
}

/** The second argument of a `retrying` listener. */
export interface RetryNotice {
  /** The value that the attempt threw. */
  readonly error: unknown
  /** Time until the next attempt is due, in milliseconds. */
  readonly delayMs: number
}

/** The second argument of a `snoozed` listener. */
export interface SnoozeNotice {
  /** Time until the task is queued again, in milliseconds. */
  readonly delayMs: number
}

/** The argument of a `refused` listener. */
export interface RefusalNotice {
  /** The value that the caller receives: the error, or the reason of the signal that ended its wait. */
  readonly error: unknown
  /** Name of the handler, or the name given to a function. */
  readonly name?: string
  /** Key of the refused task. */
  readonly key?: string
}

/** The argument of a `stopping` listener. */
export interface StoppingNotice {
  /** The reason given to `stop`. */
  readonly reason: unknown
}

/** Second argument of `failed` and `canceled`. */
export interface EndNotice {
  /** What `task.result()` rejects with: the task's own error, or an error of this library. */
  readonly error: unknown
}

/** The name of an event. */
export type PoolEventName = keyof PoolEvents

/** A listener, sync or async. Its errors go to `onUnobservedError` and affect neither the pool nor other listeners. */
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
  stopped: 4_096,
  store: 8_192,
  snoozed: 16_384
} as const satisfies Record<PoolEventName, number>

/** The events of a pool as a whole. All others concern a task. */
const POOL_EVENTS = ['idle', 'stopping', 'stopped', 'store'] as const satisfies readonly PoolEventName[]

/**
 * The name of an event's diagnostics channel: `coatcheck:task.<event>`, or `coatcheck:pool.<event>` for `idle`, `stopping`,
 * `stopped` and `store`.
 */
export type DiagnosticsChannelName = {
  [N in PoolEventName]: `coatcheck:${N extends 'idle' | 'stopping' | 'stopped' | 'store' ? 'pool' : 'task'}.${N}`
}[PoolEventName]

/**
 * The message on a diagnostics channel of this package.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { DiagnosticsMessage } from 'coatcheck'
 *
 * subscribe('coatcheck:task.failed', (message) => {
 *   const { pool, task, detail } = message as DiagnosticsMessage<'failed'>
 *   console.log(pool, task?.name, detail?.error)
 * })
 * ```
 */
export interface DiagnosticsMessage<N extends PoolEventName = PoolEventName> {
  /** The name of the pool. */
  readonly pool: string | undefined
  /** The task, for events of a task; not for `refused`. */
  readonly task: Extract<PoolEvents[N][number], Task> | undefined
  /** The other argument of the event's listeners, such as `{ error }` of `failed`. */
  readonly detail: Exclude<PoolEvents[N][number], Task> | undefined
}

const EVENT_NAMES = Object.keys(EVENT_BIT) as readonly PoolEventName[]

function channelOf(event: PoolEventName): Channel {
  const subject = (POOL_EVENTS as readonly string[]).includes(event) ? 'pool' : 'task'
  return channel(`coatcheck:${subject}.${event}`)
}

type AnyListener = (...args: unknown[]) => void

/**
 * The pool's listeners, each wrapped so that an error reaches neither the pool nor the next listener. The diagnostics channel
 * of an event is one of them while it has subscribers.
 */
export class Listeners {
  /** The events that have a listener, as bits of {@link EVENT_BIT}: without one, an event costs one bit test. */
  mask = 0
  /** The events whose diagnostics channel is among the listeners. */
  #published = 0
  readonly #pool: string | undefined
  readonly #emitter = new EventEmitter<Record<PoolEventName, unknown[]>>()
  /** The wrapper of each listener, for `off`. */
  readonly #wrappers = new Map<PoolEventName, WeakMap<object, AnyListener>>()
  readonly #report: (error: unknown, event: PoolEventName, task: unknown) => void

  constructor(report: (error: unknown, event: PoolEventName, task: unknown) => void, pool?: string) {
    this.#report = report
    this.#pool = pool
    this.findSubscribers()
  }

  /** Whether one of these events has a listener. A diagnostics channel is none: nobody is responsible for what it carries. */
  listensTo(events: number): boolean {
    let bits = this.mask & events
    for (const event of EVENT_NAMES) {
      if ((bits & this.#published & EVENT_BIT[event]) !== 0 && this.#emitter.listenerCount(event) === 1) {
        bits &= ~EVENT_BIT[event]
      }
    }
    return bits !== 0
  }

  /** Looks for channels that were subscribed to: Node does not report that. Too slow for each task. */
  findSubscribers(): void {
    for (const event of EVENT_NAMES) {
      if ((this.#published & EVENT_BIT[event]) === 0 && channelOf(event).hasSubscribers) this.#publish(event)
    }
  }

  /** Publishes an event until its channel has no subscribers any more. */
  #publish(event: PoolEventName): void {
    const channel = channelOf(event)
    const publish = (...args: unknown[]): void => {
      if (channel.hasSubscribers) return channel.publish(messageOf(this.#pool, event, args))
      this.#published &= ~EVENT_BIT[event]
      this.#emitter.off(event, publish)
    }
    this.#published |= EVENT_BIT[event]
    this.#emitter.on(event, publish)
    this.mask |= EVENT_BIT[event]
  }

  on<N extends PoolEventName>(event: N, listener: PoolListener<N>): void {
    check(event, listener)
    this.findSubscribers()
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

  /** @param scope - the context in which the listeners are called; null: that of the caller */
  emit<N extends PoolEventName>(scope: Scope | null, event: N, ...args: PoolEvents[N]): void {
    if ((this.mask & EVENT_BIT[event]) === 0) return
    if (scope === null) this.#emitter.emit(event, ...args)
    else scope.runInAsyncScope(this.#emitter.emit<PoolEventName>, this.#emitter, event, ...args)
    this.#listen(event)
  }

  /** Clears the bit of an event whose last listener is gone: `off`, or a `once` that was called. */
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

/** Which argument of an event is a task is known by its name. */
function messageOf(pool: string | undefined, event: PoolEventName, args: readonly unknown[]): DiagnosticsMessage {
  const isAboutTask = event !== 'refused' && !(POOL_EVENTS as readonly string[]).includes(event)
  const [task, detail] = isAboutTask ? args : [undefined, ...args]
  return { pool, task, detail } as DiagnosticsMessage
}

function check(event: unknown, listener: unknown): void {
  oneOf('event', event, EVENT_NAMES)
  if (typeof listener !== 'function') throw new TypeError(wording('listener', 'a function', listener))
}
