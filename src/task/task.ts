import { inspect } from 'node:util'
import { abortSignal, optionsOf } from '../contract/checks.js'
import { TaskCanceledError } from '../contract/errors.js'
import type { TaskFunction, TaskSettings } from '../contract/settings.js'
import type { Task, TaskContext } from '../contract/task-contract.js'
import {
  type CanceledReason,
  frozen,
  type JsonValue,
  type ResultRecord,
  type TaskProgress,
  type TaskRecord,
  type TaskState
} from '../contract/task-record.js'
import type { Worker } from '../running/worker.js'
import type { Entry, Lane } from '../scheduler/lane.js'
import { CANCELED, DELAYED, FAILED, OUTSIDE, QUEUED, RUNNING, type Stage, SUCCEEDED } from '../scheduler/lifecycle.js'
import type { Ticket } from '../tickets/ticket-table.js'
import type { Deadline } from '../waiting/deadlines.js'
import type { Signals } from '../waiting/signals.js'
import type { AsyncContext } from './async-context.js'
import { type ChangeWatcher, TaskChanges } from './task-changes.js'
import { snapshotOf } from './task-snapshot.js'

/** A named function of the user's. */
export class Handler {
  readonly name: string
  readonly call: TaskFunction

  constructor(name: string, call: TaskFunction) {
    this.name = name
    this.call = call
  }
}

/** What a task does. */
export type Work = ((ctx: TaskContext) => unknown) | Handler

/** Why a task was canceled. The error of it is made when somebody asks for it. */
export class Cancellation {
  readonly reason: CanceledReason
  readonly cause: unknown

  constructor(reason: CanceledReason, cause?: unknown) {
    this.reason = reason
    this.cause = cause
  }

  /** By somebody who called `cancel`. One object for all who gave no reason: a million cancels make no garbage. */
  static byUser(cause: unknown): Cancellation {
    return cause === undefined ? BY_USER : new Cancellation('user', cause)
  }
}

const BY_USER = new Cancellation('user')

/** What a task needs of its pool. */
export interface TaskOwner {
  readonly signals: Signals
  /** How long settled tasks are kept. */
  readonly retentionMs: number
  issueTicket(task: PoolTask): Ticket
  cancel(task: PoolTask, cancellation: Cancellation): boolean
  position(task: PoolTask): number
  /** A time in milliseconds since the pool was made, as the wall clock's. */
  iso(ms: number): string
}

/**
 * A task, as the pool holds it: one flat object, since there may be a million of them. What few tasks have stands in
 * their {@link TaskDetails}; what is seldom looked at is made when it is.
 */
export class PoolTask implements Entry<PoolTask>, Task<never> {
  // First what is looked at when it is forgotten, long after the rest has left the processor's caches.
  prev: PoolTask | null = null
  next: PoolTask | null = null
  /** Made when it is first looked at. */
  ticket: Ticket | null = null
  // What the scheduler knows of it. One flat class: a base class of its own would cost every task a call.
  stage: Stage = OUTSIDE
  order = 0
  lane: Lane<PoolTask> | null = null
  readonly owner: TaskOwner
  /** Nothing once a function's task has settled: a closure may hold much. */
  work: Work | undefined
  /** A handler's input until the task settles; then what came of it: the result, the error, the cancellation. */
  payload: unknown
  /** Stamps in whole milliseconds since the pool was made; -1: not yet. */
  queuedMs: number
  startedMs = -1
  settledMs = -1
  /** Who waits for its end, until it comes. What nearly always is the only one stands here as it is. */
  asked: Resolve | Asked | null = null
  details: TaskDetails | null = null
  context: AsyncContext | null = null
  worker: Worker | null = null

  constructor(owner: TaskOwner, work: Work, input: unknown, queuedMs: number) {
    this.owner = owner
    this.work = work
    this.payload = input
    this.queuedMs = queuedMs
  }

  get id(): string {
    this.ticket ??= this.owner.issueTicket(this)
    return this.ticket.text
  }

  get name(): string | undefined {
    return this.work instanceof Handler ? this.work.name : this.details?.name
  }

  get key(): string | undefined {
    return this.lane?.key
  }

  get state(): TaskState {
    return STATES[this.stage]
  }

  get isSettled(): boolean {
    return this.stage >= SUCCEEDED
  }

  /** Calls of the function so far. */
  get attempt(): number {
    return this.startedMs < 0 ? 0 : 1 + (this.details?.retries ?? 0)
  }

  /** Grows by one at each change: told from the stamps but for the changes that few tasks see. */
  get revision(): number {
    const begun = this.startedMs >= 0 ? 2 : this.stage === RUNNING ? 1 : 0
    return 1 + begun + (this.isSettled ? 1 : 0) + (this.details?.changes ?? 0)
  }

  result(): Promise<never> {
    if (this.isSettled) {
      this.asked ??= OBSERVED // what was asked before the end may still have to be answered
      return Promise.resolve(this.resolution() as never)
    }
    return new Promise((resolve) => {
      if (this.asked === null) this.asked = resolve
      else this.asked = Asked.join(this.asked, new Asked(resolve, true))
    })
  }

  settled(): Promise<PoolTask> {
    if (this.isSettled) {
      this.asked ??= OBSERVED
      return Promise.resolve(this)
    }
    return new Promise((resolve) => {
      this.asked = Asked.join(this.asked, new Asked(resolve, false))
    })
  }

  cancel(reason?: unknown): boolean {
    return this.owner.cancel(this, Cancellation.byUser(reason))
  }

  changes(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncIterable<TaskRecord> {
    const { signal } = optionsOf<{ signal?: unknown }>('options', options, { signal: true })
    return new TaskChanges(this, this.owner.signals, signal === undefined ? undefined : abortSignal('signal', signal))
  }

  get recorded(): Promise<void> {
    return RECORDED
  }

  /** What the promise of the result is resolved with. */
  resolution(): unknown {
    return this.stage === SUCCEEDED ? this.payload : Promise.reject(this.error())
  }

  /** What the failed or canceled task is rejected with; made once. */
  error(): unknown {
    if (this.stage === FAILED) return this.payload
    if (this.payload instanceof Cancellation) {
      const { reason, cause } = this.payload
      this.payload = new TaskCanceledError(this.id, reason, cause === undefined ? undefined : { cause })
    }
    return this.payload
  }

  record(): TaskRecord {
    return snapshotOf(this)
  }

  // ── for the pool ─────────────────────────────────────────────────────────────────────────────────────────────────

  detailed(): TaskDetails {
    this.details ??= new TaskDetails()
    return this.details
  }

  /** Counts another call of its function. */
  repeated(): void {
    const details = this.detailed()
    details.retries++
    details.changes++
  }

  /** Counts a change that no stamp tells. */
  changed(): void {
    this.detailed().changes++
  }

  /** Whether somebody follows the changes. */
  get isWatched(): boolean {
    return this.details !== null && this.details.watchers !== undefined && this.details.watchers.size > 0
  }

  watch(watcher: ChangeWatcher): void {
    const details = this.detailed()
    details.watchers ??= new Set()
    details.watchers.add(watcher)
  }

  unwatch(watcher: ChangeWatcher): void {
    this.details?.watchers?.delete(watcher)
  }

  /** Tells those who follow the changes. */
  notify(): void {
    if (this.details !== null) this.details.notify()
  }

  /** The caller's own signal aborted. */
  onAbort(reason: unknown): void {
    this.owner.cancel(this, new Cancellation('signal', reason))
  }

  /** Takes what came of it, and lets go of all it needed until now. */
  end(payload: unknown, settledMs: number): void {
    this.payload = payload
    this.settledMs = settledMs
    this.context = null
    this.worker = null
    this.details?.end()
    if (typeof this.work === 'function') this.work = undefined
  }

  /** Resolves the promises that were asked for. */
  answer(): void {
    const { asked } = this
    if (asked === null) return
    this.asked = OBSERVED
    if (asked instanceof Asked) asked.answer(this)
    else asked(this.resolution() as never)
  }

  toJSON(): TaskRecord {
    return this.record()
  }

  [inspect.custom](): string {
    return `Task ${this.name ?? ''}${this.name === undefined ? '' : ' '}${this.id} ${this.state}`
  }
}

const STATES: Readonly<Record<Stage, TaskState>> = {
  [OUTSIDE]: 'queued',
  [QUEUED]: 'queued',
  [DELAYED]: 'queued',
  [RUNNING]: 'running',
  [SUCCEEDED]: 'succeeded',
  [FAILED]: 'failed',
  [CANCELED]: 'canceled'
}

const RECORDED = Promise.resolve()

type Resolve = (value: never) => void

/** One who waits for the end of a task, and through it, in order, all others. */
class Asked {
  readonly #resolve: Resolve
  readonly #forResult: boolean
  #next: Asked | null = null
  #last: Asked = this

  constructor(resolve: Resolve, forResult: boolean) {
    this.#resolve = resolve
    this.#forResult = forResult
  }

  /** One more waits. */
  static join(present: Resolve | Asked | null, other: Asked): Asked {
    if (present === null) return other
    const first = present instanceof Asked ? present : new Asked(present, true)
    first.#last.#next = other
    first.#last = other
    return first
  }

  answer(task: PoolTask): void {
    for (let asked: Asked | null = this; asked !== null; asked = asked.#next)
      asked.#resolve((asked.#forResult ? task.resolution() : task) as never)
  }
}

/** Stands in a settled task that somebody asked about, so that its failure is not told to nobody. */
const OBSERVED = new Asked(() => {}, false)

/** What few tasks have. */
export class TaskDetails {
  name: string | undefined
  settings: TaskSettings | undefined
  /** Changes of the record that the task's stamps do not tell. */
  changes = 0
  /** Calls after the first. */
  retries = 0
  progress: TaskProgress | undefined
  /** Whether the record shows progress whose revision is still to come. */
  progressed = false
  cancelRequestedMs = -1
  /** The end of the longest wait in the queue, or of a retry's delay. */
  deadline: Deadline | undefined
  watchers: Set<ChangeWatcher> | undefined
  result: ResultRecord | undefined
  #metadata: string | JsonValue | undefined
  #parsed = false

  /** Takes over what was said about the task when it was queued. */
  take(settings: TaskSettings): void {
    this.settings = settings
    this.name = settings.name
    this.#metadata = settings.metadata
  }

  /** Parsed when first looked at, then the same for all who look: nobody can change it. */
  get metadata(): JsonValue | undefined {
    if (!this.#parsed && this.#metadata !== undefined) {
      this.#parsed = true
      this.#metadata = frozen(this.#metadata as string)
    }
    return this.#metadata
  }

  notify(): void {
    if (this.watchers !== undefined) for (const watcher of this.watchers) watcher.onChange()
  }

  record(owner: TaskOwner): Partial<TaskRecord> {
    const { metadata, progress } = this
    return {
      ...(progress === undefined ? undefined : { progress }),
      ...(this.cancelRequestedMs < 0 ? undefined : { cancelRequestedAt: owner.iso(this.cancelRequestedMs) }),
      ...(metadata === undefined ? undefined : { metadata })
    }
  }

  end(): void {
    this.settings = undefined
    this.deadline = undefined
  }
}
