import { DuplicateTaskError, type PoolError } from '../contract/errors.js'
import type { RetryNotice, SnoozeNotice } from '../contract/events.js'
import type { OpenStore } from '../contract/store.js'
import { StoreError } from '../contract/store-errors.js'
import type { TaskSettings } from '../contract/task-settings.js'
import { Journal, type JournalOwner } from '../durable/journal.js'
import { keepResult, outcomeText } from '../durable/outcome.js'
import { optionsText } from '../durable/stored-options.js'
import { Suspects } from '../durable/suspects.js'
import { TicketCipher } from '../ports/ticket-cipher.js'
import type { Attempts } from '../running/attempts.js'
import {
  CANCELED,
  FAILED,
  isSettled,
  LEFT,
  QUEUED,
  RUNNING,
  type Settled,
  STOPPING,
  SUCCEEDED
} from '../scheduler/lifecycle.js'
import type { Cancellation } from '../task/cancellation.js'
import { Stored } from '../task/stored.js'
import type { PoolTask } from '../task/task.js'
import { NO_ATTEMPT } from '../task/task-context.js'
import { LAST_DATE_MS } from '../task/wall-times.js'
import { Handler, type Work } from '../task/work.js'
import type { Tickets } from '../tickets/tickets.js'
import type { Dispatch, PoolParts } from './pool-parts.js'

/**
 * What happens to stored tasks. The scheduler works ahead; what readers see of a task, and the call of its function,
 * follow when the row is on disk.
 */
export class Durability implements JournalOwner {
  readonly store: OpenStore
  readonly journal: Journal
  readonly suspects: Suspects
  /** Chosen tickets of unfinished tasks in the store that have no handler here. */
  readonly parked = new Set<string>()
  /** How many such tasks there are, whether or not their tickets were chosen. */
  parkedCount = 0
  readonly #parts: PoolParts
  readonly #tickets: Tickets
  readonly #attempts: Attempts
  readonly #dispatch: Dispatch
  readonly #cipher: TicketCipher
  #last: number

  constructor(store: OpenStore, parts: PoolParts, tickets: Tickets, attempts: Attempts, dispatch: Dispatch) {
    this.store = store
    this.journal = new Journal(store, parts, this)
    this.suspects = new Suspects((task) => {
      parts.scheduler.requeueFirst(task)
      dispatch.startDue()
    })
    this.#parts = parts
    this.#tickets = tickets
    this.#attempts = attempts
    this.#dispatch = dispatch
    this.#cipher = new TicketCipher(store.secret, (count) => parts.clock.randomBytes(count))
    this.#last = store.lastSeq
  }

  /** Tasks whose end is being written. */
  *untold(): Generator<PoolTask> {
    for (const task of this.journal.pending()) {
      if (isSettled(task.stage) && task.shown !== null) yield task
    }
  }

  // ── accepting ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Why a task cannot be accepted now, if it is to be stored. */
  refusal(work: Work, id: string | undefined): PoolError | undefined {
    if (!isStored(work) || this.#parts.scheduler.stage >= STOPPING) return undefined
    if (id !== undefined && this.parked.has(id)) return new DuplicateTaskError(id)
    const cause = this.journal.error
    if (cause === null) return undefined
    return new StoreError('The store cannot write now: nothing was queued.', { cause: cause.cause })
  }

  /** A task was accepted: it gets its ticket and its place in the store. */
  enter(task: PoolTask, settings: TaskSettings | undefined): void {
    if (task.work === undefined || !isStored(task.work)) return
    const seq = ++this.#last
    const id = settings?.id ?? this.#cipher.seal(seq)
    this.#tickets.register(task, id, settings?.onDuplicate ?? 'refuse')
    const details = task.detailed()
    details.stored = new Stored(seq, seq, {
      id,
      chosen: settings?.id !== undefined,
      input: (task.payload as string | undefined) ?? null,
      options: optionsText(settings),
      metadata: settings?.metadata ?? null,
      fingerprint: settings?.fingerprint ?? null
    })
    if (settings !== undefined && settings.delayMs > 0) details.stored.dueAt = this.#dueAfter(settings.delayMs)
    this.attach(task)
    this.journal.changed(task, details.stored)
  }

  /** Copies the records of a task to the mirror, as they are on disk. */
  attach(task: PoolTask): void {
    const { mirror, retention } = this.#parts.settings
    if (mirror === undefined) return
    task.detailed().publish = () => {
      if (storedOf(task).isClean && task.shown === null) mirror.publish(task.record(), task.retainMs ?? retention.ms)
    }
  }

  // ── what is decided ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Readers go on to see the present state until the next one is on disk. */
  #hide(task: PoolTask, stored: Stored, stage = task.stage, revision = task.presentRevision): void {
    stored.shown ??= { stage, revision, progress: task.details?.progress }
  }

  /** A task got a worker. */
  hold(task: PoolTask, stored: Stored): void {
    this.#hide(task, stored, QUEUED, task.presentRevision - (task.startedMs < 0 ? 1 : 0))
    stored.dueAt = null
    this.journal.changed(task, stored)
  }

  /** An attempt is about to fail with another one to follow. */
  retrying(task: PoolTask, stored: Stored): void {
    this.#hide(task, stored)
  }

  /** A task waits for its next attempt, or for the same once more. */
  retries(task: PoolTask, stored: Stored, notice: RetryNotice | SnoozeNotice): void {
    if ('error' in notice) stored.failures++
    stored.ord = ++this.#last
    stored.dueAt = this.#dueAfter(notice.delayMs)
    stored.retry = notice
    this.journal.changed(task, stored)
    this.suspects.ended(task)
  }

  #dueAfter(delayMs: number): number {
    return Math.min(Math.ceil(this.#parts.clock.date() + delayMs), LAST_DATE_MS)
  }

  /** A running task was asked to end. */
  cancelAsked(task: PoolTask, stored: Stored, { reason }: Cancellation): void {
    if (reason === 'pool_stopped') return
    stored.cancelAt = this.#parts.times.wall(task.queuedMs, task.detailed().cancelRequestedMs)
    this.journal.changed(task, stored)
  }

  /** The end of a task, unless the stop that causes it leaves the task to the next pool. */
  end(task: PoolTask, stored: Stored, to: Settled, payload: unknown): void {
    if (to === CANCELED && (payload as Cancellation).reason === 'pool_stopped' && this.mayLeave(task, stored))
      return this.leave(task, stored)
    const details = task.detailed()
    this.#hide(task, stored)
    if (to === SUCCEEDED) keepResult(details, stored, payload, this.#parts.settings.maxResultBytes)
    stored.outcome = outcomeText(details, to, payload)
    stored.dueAt = null
    this.#dispatch.endUnseen(task, to, payload)
    this.journal.changed(task, stored)
    this.suspects.ended(task)
  }

  /** Whether a stop leaves a task to the next pool: it is not called, or may be called again. */
  mayLeave(task: PoolTask, { cancelAt }: Stored): boolean {
    if (task.stage !== RUNNING || this.#attempts.isHeld(task)) return true
    return task.work instanceof Handler && task.work.rerun && cancelAt === null
  }

  leave(task: PoolTask, stored: Stored): void {
    const wasRunning = task.stage === RUNNING
    const wasCalled = wasRunning && !this.#attempts.isHeld(task)
    this.#hide(task, stored)
    if (wasCalled) task.changed()
    this.#dispatch.leaveUnseen(task)
    if (wasRunning) this.journal.changed(task, stored)
    else if ((stored.isClean && stored.retry === null) || stored.lost !== undefined)
      this.#dispatch.showEnd(task, stored)
    this.suspects.ended(task)
  }

  // ── what is on disk ──────────────────────────────────────────────────────────────────────────────────────────────

  written(tasks: readonly PoolTask[]): void {
    this.#dispatch.together(() => {
      for (const task of tasks) if (isReady(task)) this.#showRetry(task)
      for (const task of tasks) if (isReady(task) && this.#attempts.isHeld(task)) this.#release(task)
      for (const task of tasks) if (isReady(task)) this.#show(task)
    })
  }

  #release(task: PoolTask): void {
    storedOf(task).shown = null
    this.#attempts.release(task)
  }

  #showRetry(task: PoolTask): void {
    const stored = storedOf(task)
    if (stored.retry === null) return
    const { listeners } = this.#parts
    const { retry } = stored
    stored.retry = null
    const goesOn = task.stage === RUNNING || isSettled(task.stage)
    stored.shown = { stage: QUEUED, revision: task.presentRevision - (goesOn ? 1 : 0), progress: undefined }
    task.notify()
    if ('error' in retry) listeners.emit(task.scope, 'retrying', task, retry)
    else listeners.emit(task.scope, 'snoozed', task, retry)
  }

  /** Shows an end, or that the task is queued. A start is shown by its call. */
  #show(task: PoolTask): void {
    const stored = storedOf(task)
    const isHidden = stored.shown !== null
    if (isHidden && task.stage >= SUCCEEDED) return this.#dispatch.showEnd(task, stored)
    stored.shown = null
    if (isHidden) task.notify()
    else if (task.stage !== RUNNING || task.worker?.context !== NO_ATTEMPT) task.details?.publish?.()
  }

  givenUp(tasks: readonly PoolTask[], error: StoreError): void {
    this.#dispatch.together(() => {
      for (const task of tasks) this.#giveUp(task, error)
      for (const task of tasks) this.#dispatch.showEnd(task, storedOf(task))
    })
  }

  #giveUp(task: PoolTask, error: StoreError): void {
    const stored = storedOf(task)
    if (task.stage === LEFT) {
      this.#parts.scheduler.failLeft(task)
      task.end(error, this.#parts.turn.stamp)
    } else if (task.stage < SUCCEEDED) {
      this.#hide(task, stored)
      this.#dispatch.endUnseen(task, FAILED, error)
      this.suspects.ended(task)
    }
  }

  unwritten(tasks: readonly PoolTask[]): void {
    this.#dispatch.together(() => {
      for (const task of tasks) {
        const stored = storedOf(task)
        this.#showRetry(task)
        if (task.stage >= SUCCEEDED && stored.shown !== null) this.#dispatch.showEnd(task, stored)
      }
    })
  }

  storeChanged(error: unknown): void {
    const { listeners } = this.#parts
    const failing = this.journal.error !== null
    listeners.emit(this.#dispatch.scope, 'store', failing ? { failing, error } : { failing })
  }

  /** Closes the store. What that throws is reported. */
  async close(): Promise<void> {
    try {
      await this.journal.close()
    } catch (error) {
      this.#parts.unobserved.report(error, {})
    }
  }
}

export function isStored(work: Work): boolean {
  return work instanceof Handler && work.stored === null
}

function storedOf({ details }: PoolTask): Stored {
  return details?.stored as Stored
}

/** Whether the present state of a task is on disk: only then may its function be called, or its end be shown. */
function isReady(task: PoolTask): boolean {
  return storedOf(task).isClean
}
