import { inspect } from 'node:util'
import type { AsyncContext } from './async-context.js'
import { abortSignal, optionsOf } from './checks.js'
import type { Deadline } from './deadlines.js'
import { TaskCanceledError } from './errors.js'
import { Entry } from './scheduler/entry.js'
import { CANCELED, DELAYED, FAILED, OUTSIDE, QUEUED, RUNNING, type Stage, SUCCEEDED } from './scheduler/lifecycle.js'
import type { TaskFunction, TaskSettings } from './settings.js'
import type { Signals } from './signals.js'
import { type ChangeWatcher, TaskChanges } from './task-changes.js'
import type { Task, TaskContext } from './task-contract.js'
import {
  type CanceledReason,
  describeError,
  type ErrorRecord,
  frozen,
  type JsonValue,
  type ResultRecord,
  resultOf,
  type TaskProgress,
  type TaskRecord,
  type TaskState
} from './task-record.js'
import type { Worker } from './worker.js'

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
  issueId(task: PoolTask): string
  cancel(task: PoolTask, cancellation: Cancellation): boolean
  position(task: PoolTask): number
  /** A time in milliseconds since the pool was made, as the wall clock's. */
  iso(ms: number): string
}

/**
 * A task, as the pool holds it: one flat object, since there may be a million of them. What few tasks have stands in
 * their {@link TaskDetails}; what is seldom looked at is made when it is.
 */
export class PoolTask extends Entry<PoolTask> implements Task<never> {
  readonly owner: TaskOwner
  /** Nothing once a function's task has settled: a closure may hold much. */
  work: Work | undefined
  /** A handler's input until the task settles; then what came of it: the result, the error, the cancellation. */
  payload: unknown
  /** Stamps in whole milliseconds since the pool was made; -1: not yet. */
  queuedMs: number
  startedMs = -1
  settledMs = -1
  /** The promises that were asked for, until the task settles. */
  asked: Asked | null = null
  details: TaskDetails | null = null
  context: AsyncContext | null = null
  worker: Worker | null = null
  /** The ticket, empty until it is looked at. */
  ticket = ''

  constructor(owner: TaskOwner, work: Work, input: unknown, queuedMs: number) {
    super()
    this.owner = owner
    this.work = work
    this.payload = input
    this.queuedMs = queuedMs
  }

  get id(): string {
    if (this.ticket === '') this.ticket = this.owner.issueId(this)
    return this.ticket
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
      return this.stage === SUCCEEDED ? Promise.resolve(this.payload as never) : Promise.reject(this.error())
    }
    this.asked ??= new Asked()
    return this.asked.result()
  }

  settled(): Promise<PoolTask> {
    if (this.isSettled) {
      this.asked ??= OBSERVED
      return Promise.resolve(this)
    }
    this.asked ??= new Asked()
    return this.asked.settled()
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
    const { name, key, details, owner } = this
    return {
      id: this.id,
      ...(name === undefined ? undefined : { name }),
      ...(key === undefined ? undefined : { key }),
      state: this.state,
      attempt: this.attempt,
      revision: this.revision,
      queuedAt: owner.iso(this.queuedMs),
      ...(this.startedMs < 0 ? undefined : { startedAt: owner.iso(this.startedMs) }),
      ...(this.stage === QUEUED ? { position: owner.position(this) } : undefined),
      ...details?.record(owner),
      ...(this.isSettled ? this.#outcome() : undefined)
    }
  }

  #outcome(): Partial<TaskRecord> {
    const { owner, payload, settledMs } = this
    const expiresMs = settledMs + owner.retentionMs
    return {
      settledAt: owner.iso(settledMs),
      ...(expiresMs === Number.POSITIVE_INFINITY ? undefined : { expiresAt: owner.iso(expiresMs) }),
      ...(this.stage === SUCCEEDED ? this.#result() : undefined),
      ...(this.stage === FAILED ? { error: describeError(payload) } : undefined),
      ...(this.stage === CANCELED ? this.#cancellation() : undefined)
    }
  }

  /** A task that was canceled while it did not run has no stamp of the request: it is when it settled. */
  #cancellation(): Partial<TaskRecord> {
    const { reason } = this.payload as Cancellation
    const asked = reason !== 'queue_timeout' && (this.details?.cancelRequestedMs ?? -1) < 0
    return {
      ...(asked ? { cancelRequestedAt: this.owner.iso(this.settledMs) } : undefined),
      reason,
      error: this.#canceledError()
    }
  }

  /** Copied once; `undefined`, the result of most tasks, needs no copy. */
  #result(): ResultRecord {
    if (this.payload === undefined) return {}
    const details = this.detailed()
    details.result ??= resultOf(this.payload)
    return details.result
  }

  #canceledError(): ErrorRecord {
    const { reason, cause } = this.payload as Cancellation
    const message = cause === undefined ? `The task was canceled (${reason}).` : describeError(cause).message
    return { name: 'TaskCanceledError', code: 'ERR_TASK_CANCELED', message }
  }

  // ── for the pool ─────────────────────────────────────────────────────────────────────────────────────────────────

  detailed(): TaskDetails {
    this.details ??= new TaskDetails()
    return this.details
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
    const watchers = this.details?.watchers
    if (watchers !== undefined) for (const watcher of watchers) watcher.onChange()
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
    if (!(this.work instanceof Handler)) this.work = undefined
  }

  /** Resolves the promises that were asked for. */
  answer(): void {
    const { asked } = this
    if (asked === null) return
    this.asked = OBSERVED
    asked.answer(this)
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

/** The promises of a task, made when asked for; each is the same one until the task settles. */
class Asked {
  #result: Promise<never> | undefined
  #settled: Promise<PoolTask> | undefined
  #resolveResult: ((value: never | Promise<never>) => void) | undefined
  #resolveSettled: ((task: PoolTask) => void) | undefined

  result(): Promise<never> {
    this.#result ??= new Promise((resolve) => {
      this.#resolveResult = resolve
    })
    return this.#result
  }

  settled(): Promise<PoolTask> {
    this.#settled ??= new Promise((resolve) => {
      this.#resolveSettled = resolve
    })
    return this.#settled
  }

  answer(task: PoolTask): void {
    this.#resolveResult?.(task.stage === SUCCEEDED ? (task.payload as never) : Promise.reject(task.error()))
    this.#resolveSettled?.(task)
  }
}

/** Stands in a settled task that somebody asked about, so that its failure is not told to nobody. */
const OBSERVED = new Asked()

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
