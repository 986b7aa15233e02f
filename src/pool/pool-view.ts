import type { PoolState, PoolStats } from '../contract/reports.js'
import { oneLine, type TaskState } from '../contract/task-record.js'
import { CREATED, STARTED, STOPPED, STOPPING } from '../scheduler/lifecycle.js'
import type { PoolTask } from '../task/task.js'
import type { Dispatcher } from './dispatcher.js'

const STATES = { [CREATED]: 'created', [STARTED]: 'running', [STOPPING]: 'stopping', [STOPPED]: 'stopped' } as const

/** What can be read of a pool: state, statistics, tasks, and its line of text. */
export class PoolView {
  readonly #dispatcher: Dispatcher

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher
  }

  get state(): PoolState {
    return STATES[this.#dispatcher.parts.scheduler.stage]
  }

  stats(): PoolStats {
    const { parts, attempts, delays, tickets, durability } = this.#dispatcher
    const { scheduler, settings, turn } = parts
    const nowMs = turn.fresh()
    return {
      name: settings.name,
      state: this.state,
      paused: scheduler.paused,
      concurrency: scheduler.concurrency,
      queueCapacity: scheduler.queueCapacity,
      weightCapacity: scheduler.weights?.capacity ?? null,
      heldWeight: scheduler.weights?.held ?? 0,
      running: scheduler.running,
      queued: scheduler.queued + scheduler.left,
      delayed: scheduler.delayed.size,
      waiting: scheduler.waiters.size,
      stuck: attempts.stuck,
      retained: tickets.retained.size,
      retention: tickets.stats(),
      peakRunning: scheduler.peakRunning,
      peakQueued: scheduler.peakQueued,
      oldestQueuedMs: this.#oldestQueuedMs(),
      totals: {
        submitted: scheduler.submitted,
        refused: scheduler.refused,
        accepted: scheduler.accepted,
        started: attempts.started,
        retried: delays.retried,
        snoozed: delays.snoozed,
        succeeded: scheduler.succeeded,
        failed: scheduler.failed,
        canceled: scheduler.canceled
      },
      waitMs: attempts.waitMs.stats(nowMs),
      runMs: attempts.runMs.stats(nowMs),
      durable: durability !== null,
      storeFailing: durability !== null && durability.journal.error !== null,
      untold: scheduler.untold,
      parked: durability?.parkedCount ?? 0
    }
  }

  /** The longest wait now, by the heads of the lanes. */
  #oldestQueuedMs(): number {
    const { scheduler, turn } = this.#dispatcher.parts
    let oldest = Number.POSITIVE_INFINITY
    for (const { entries } of scheduler.lanes()) oldest = Math.min(oldest, (entries.head as PoolTask).readyMs)
    return Math.max(turn.fresh() - oldest, 0)
  }

  /** Tasks that match, newest first: O(limit) for each lane, O(1) for each that runs, is delayed or retained. */
  tasks(state: TaskState | undefined, key: string | undefined, limit: number): PoolTask[] {
    const found: PoolTask[] = []
    const add = (task: PoolTask): void => {
      if ((state === undefined || task.state === state) && (key === undefined || task.key === key)) found.push(task)
    }
    const { parts, attempts, tickets, durability } = this.#dispatcher
    for (const lane of parts.scheduler.lanes()) {
      let left = limit
      for (let task = lane.entries.tail; task !== null && left > 0; task = task.prev) {
        add(task)
        if (task.startedMs < 0) left-- // one that was called before stands at the back, however old it is
      }
    }
    for (const task of parts.scheduler.delayed.keys()) add(task)
    for (const { task } of attempts.workers.busy()) add(task)
    if (durability !== null) for (const task of durability.untold()) add(task)
    const { ticketed, unread } = tickets.retained
    for (const { head } of [ticketed, unread]) for (let task = head; task !== null; task = task.next) add(task)
    return found.sort((a, b) => b.queuedMs - a.queuedMs || b.order - a.order).slice(0, limit)
  }

  /** The ids of some unfinished tasks, running ones first. */
  unfinished(limit: number): string[] {
    const { parts, attempts, durability } = this.#dispatcher
    const ids: string[] = []
    for (const { task } of attempts.workers.busy()) if (ids.length < limit) ids.push(task.id)
    for (const lane of parts.scheduler.lanes()) {
      for (let task = lane.entries.head; task !== null && ids.length < limit; task = task.next) ids.push(task.id)
    }
    for (const task of parts.scheduler.delayed.keys()) {
      if (ids.length === limit) break
      ids.push(task.id)
    }
    if (durability !== null) for (const task of durability.untold()) if (ids.length < limit) ids.push(task.id)
    return ids
  }

  /** The pool in one line. */
  line(): string {
    const { scheduler, settings } = this.#dispatcher.parts
    const parts = [
      `running ${scheduler.running}/${scheduler.concurrency}`,
      `queued ${scheduler.queued}/${scheduler.queueCapacity}`
    ]
    if (scheduler.delayed.size > 0) parts.push(`delayed ${scheduler.delayed.size}`)
    if (scheduler.waiters.size > 0) parts.push(`waiting ${scheduler.waiters.size}`)
    if (scheduler.queued > 0) parts.push(`oldest ${(this.#oldestQueuedMs() / 1_000).toFixed(1)} s`)
    parts.push(`${scheduler.succeeded} succeeded`, `${scheduler.failed} failed`)
    if (scheduler.canceled > 0) parts.push(`${scheduler.canceled} canceled`)
    parts.push(`${scheduler.refused} refused`)
    const { state } = this
    const flags = [state === 'running' ? '' : state, scheduler.paused ? 'paused' : ''].filter((flag) => flag !== '')
    return `${oneLine(settings.name ?? 'WorkerPool')}${flags.length > 0 ? ` (${flags.join(', ')})` : ''}: ${parts.join(', ')}`
  }
}
