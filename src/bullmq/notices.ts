import { oneOf, wording } from '../contract/checks.js'
import type { StoppingNotice, StoreNotice } from '../contract/events.js'
import { callHook, type Report } from '../contract/hooks.js'
import type { StopReport } from '../contract/reports.js'
import type { TaskState } from '../contract/task-record.js'

/** A task that an event is about. */
export interface TaskNotice {
  /** The ticket. */
  readonly id: string
  /** Name of the handler. */
  readonly name: string
  /** State of the task. */
  readonly state: TaskState
}

/** The events of a {@link SharedPool}: what happens in this process. Each listener has one argument. */
export interface SharedPoolEvents {
  /** A task's function is about to be called here. */
  started: TaskNotice
  /** A task that ran here has ended, and Redis has its end. */
  settled: TaskNotice
  /** A task still runs here `stuckAfterMs` after its timeout or cancel. */
  stuck: TaskNotice
  /** Redis was lost, or is there again. */
  store: StoreNotice
  /** `stop()` began. */
  stopping: StoppingNotice
  /** The pool has stopped in this process. The last event. */
  stopped: StopReport
}

type Name = keyof SharedPoolEvents

const NAMES: readonly Name[] = ['started', 'settled', 'stuck', 'store', 'stopping', 'stopped']

/** The listeners of a pool. What one throws is reported, and harms nobody else. */
export class Notices {
  readonly #report: Report
  readonly #listeners = new Map<Name, Set<(argument: never) => unknown>>()

  constructor(report: Report) {
    this.#report = report
  }

  on<N extends Name>(event: N, listener: (argument: SharedPoolEvents[N]) => unknown): void {
    oneOf('event', event, NAMES)
    if (typeof listener !== 'function') throw new TypeError(wording('listener', 'a function', listener))
    const listeners = this.#listeners.get(event)
    if (listeners === undefined) this.#listeners.set(event, new Set([listener]))
    else listeners.add(listener)
  }

  off<N extends Name>(event: N, listener: (argument: SharedPoolEvents[N]) => unknown): void {
    this.#listeners.get(event)?.delete(listener)
  }

  emit<N extends Name>(event: N, argument: SharedPoolEvents[N]): void {
    for (const listener of this.#listeners.get(event) ?? [])
      callHook(() => (listener as (argument: SharedPoolEvents[N]) => unknown)(argument), this.#report)
  }
}
