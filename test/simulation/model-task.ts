import type { TaskPlan } from './plan.js'

/** Where a task stands, for the model. */
export type Place = 'new' | 'line' | 'refused' | 'queued' | 'delayed' | 'running' | 'succeeded' | 'failed' | 'canceled'

/** Who asks tasks to end. */
export type By = 'user' | 'signal' | 'timeout' | 'pool_stopped'

/** A call of a function, inside which calls are made. */
export interface Inside {
  readonly task: ModelTask
  /** Which call of its function. */
  readonly call: number
}

/** What the model knows of a task. */
export class ModelTask {
  place: Place = 'new'
  attempt = 0
  /** Calls so far: those that were snoozed are no attempts. */
  calls = 0
  /** How the calls ended that were not the last. */
  readonly turns: ('retrying' | 'snoozed')[] = []
  /** When it has waited too long for its first start. */
  queueUntil = Number.POSITIVE_INFINITY
  waitUntil = Number.POSITIVE_INFINITY
  retryAt = Number.POSITIVE_INFINITY
  settledAt = 0
  /** Whether somebody has the ticket. */
  hasTicket = false
  /** The ticket was read when the task had settled, but the model did not know that yet. */
  readOnceSettled = false

  // ── of the present attempt ──
  /** Its function is about to be called. */
  called = false
  /** Its function was really called. */
  entered = false
  ended: { readonly well: boolean; readonly value: unknown; readonly snoozeMs?: number } | undefined
  runUntil = Number.POSITIVE_INFINITY
  /** The first abort decides. */
  aborted: { readonly by: By; readonly reason: unknown } | undefined
  cancelRequested = false
  stuckAt = Number.POSITIVE_INFINITY
  stuck = false

  readonly name: string
  readonly plan: TaskPlan
  readonly key: string | undefined
  priority: number
  /** The attempt that waits for this one's place without a limit. */
  inside: Inside | undefined
  /** Whether the caller has left, and its abort is on the way. */
  readonly hasLeft: () => boolean

  constructor(name: string, plan: TaskPlan, hasLeft: () => boolean) {
    this.name = name
    this.hasLeft = hasLeft
    this.plan = plan
    this.key = plan.key
    this.priority = plan.priority ?? 0
  }

  get settled(): boolean {
    return this.place === 'succeeded' || this.place === 'failed' || this.place === 'canceled'
  }
}
