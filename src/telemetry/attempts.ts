import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { DiagnosticsMessage, EndNotice, RetryNotice } from '../contract/events.js'
import type { Task } from '../contract/task-contract.js'
import { systemClock } from '../ports/system-clock.js'
import type { ObservedPool } from './observed-pool.js'

/** How an attempt ended. */
export type AttemptOutcome = 'succeeded' | 'failed' | 'retried' | 'snoozed' | 'canceled'

/** One call of a task's function. */
export interface Attempt {
  readonly task: Task
  /** Its number, from 1. A call after a snooze is the same attempt again. */
  readonly number: number
  /** From acceptance to the first start, in milliseconds; of the first attempt of a task that was seen when it was queued. */
  readonly waitMs: number | undefined
}

/** The end of an attempt. */
export interface AttemptEnd {
  readonly outcome: AttemptOutcome
  readonly durationMs: number
  /** What a failed or retried attempt threw. */
  readonly error: unknown
}

/** Is called when an attempt starts, in the context of the call that queued the task. Returns what is called when it ends. */
export type OnAttempt = (attempt: Attempt) => (end: AttemptEnd | undefined) => void

interface Seen {
  queuedAt: number | undefined
  attempts: number
  startedAt: number
  /** Set while the function runs. */
  end: ((end: AttemptEnd | undefined) => void) | undefined
}

const FAILED = 'coatcheck:task.failed'

/**
 * Follows the attempts of a pool. Failures come from the diagnostics channel: a listener would count as their observer, and
 * keep them from `onUnobservedError`. The ids of tasks are not read, which would retain their tickets.
 */
export function followAttempts(pool: ObservedPool, onAttempt: OnAttempt): () => void {
  const seen = new WeakMap<Task, Seen>()
  const running = new Set<Seen>()

  const queued = (task: Task): void => {
    seen.set(task, { queuedAt: systemClock.now(), attempts: 0, startedAt: 0, end: undefined })
  }

  const started = (task: Task): void => {
    const of = seen.get(task) ?? { queuedAt: undefined, attempts: 0, startedAt: 0, end: undefined }
    seen.set(task, of)
    of.startedAt = systemClock.now()
    of.attempts++
    const waitMs = of.queuedAt === undefined ? undefined : of.startedAt - of.queuedAt
    of.queuedAt = undefined
    running.add(of)
    of.end = onAttempt({ task, number: of.attempts, waitMs })
  }

  const ended = (task: Task, outcome: AttemptOutcome, error?: unknown): void => {
    const of = seen.get(task)
    if (of?.end === undefined) return
    running.delete(of)
    const { end } = of
    of.end = undefined
    end({ outcome, error, durationMs: systemClock.now() - of.startedAt })
  }

  const retrying = (task: Task, { error }: RetryNotice): void => ended(task, 'retried', error)
  const snoozed = (task: Task): void => {
    ended(task, 'snoozed')
    const of = seen.get(task)
    if (of !== undefined) of.attempts--
  }
  const succeeded = (task: Task): void => ended(task, 'succeeded')
  const canceled = (task: Task): void => ended(task, 'canceled')
  const failed = (message: unknown): void => {
    const { task, detail } = message as DiagnosticsMessage<'failed'>
    if (task !== undefined && seen.has(task)) ended(task, 'failed', (detail as EndNotice).error)
  }

  subscribe(FAILED, failed)
  pool.on('queued', queued)
  pool.on('started', started)
  pool.on('retrying', retrying)
  pool.on('snoozed', snoozed)
  pool.on('succeeded', succeeded)
  pool.on('canceled', canceled)
  return () => {
    unsubscribe(FAILED, failed)
    pool.off('queued', queued)
    pool.off('started', started)
    pool.off('retrying', retrying)
    pool.off('snoozed', snoozed)
    pool.off('succeeded', succeeded)
    pool.off('canceled', canceled)
    for (const { end } of running) end?.(undefined)
    running.clear()
  }
}
