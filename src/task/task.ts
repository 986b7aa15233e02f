import { abortSignal, optionsOf, safeInteger } from '../contract/checks.js'
import { TaskCanceledError } from '../contract/errors.js'
import type { Scope } from '../contract/hooks.js'
import type { Task } from '../contract/task-contract.js'
import { cut, type TaskProgress, type TaskRecord, type TaskState } from '../contract/task-record.js'
import type { Entry, Lane } from '../scheduler/lane.js'
import {
  CANCELED,
  DELAYED,
  FAILED,
  isSettled,
  LEFT,
  OUTSIDE,
  QUEUED,
  RUNNING,
  type Stage,
  SUCCEEDED
} from '../scheduler/lifecycle.js'
import type { Signals } from '../waiting/signals.js'
import type { AsyncContext } from './async-context.js'
import { Cancellation } from './cancellation.js'
import { OBSERVED, Observer, type Resolve } from './observer.js'
import { recordOf, type TaskTimes } from './record.js'
import type { Shown } from './stored.js'
import { type ChangeWatcher, TaskChanges } from './task-changes.js'
import type { AttemptedTask, AttemptSlot } from './task-context.js'
import { TaskDetails } from './task-details.js'
import { Handler, type Work } from './work.js'

/** The pool, as its tasks call it: a handle acts on the pool it came from. */
export interface TaskOwner {
  readonly signals: Signals
  /** How long settled tasks are retained. */
  readonly retentionMs: number
  readonly times: TaskTimes
  /** Why the pool stops; undefined while it does not. */
  readonly stopReason: unknown
  /** The context in which the pool was created: none of a task's. */
  readonly scope: Scope
  issueTicket(task: PoolTask): Ticket
  forget(task: PoolTask): boolean
  reprioritize(task: PoolTask, priority: number): boolean
  cancel(task: PoolTask, cancellation: Cancellation): boolean
  /** The task reported progress, for the first time in this turn. */
  progressed(task: PoolTask): void
  position(task: PoolTask): number
}

/** The id of a task, and its entry in the table of ids. */
export interface Ticket {
  readonly text: string
  /** Removes the id: the task is no longer found by it. */
  forget(): void
}

/**
 * A task, as the pool holds it: one flat object, since there may be a million of them. What few tasks have is in their
 * {@link TaskDetails}; what is rarely read is made when it is read.
 */
export class PoolTask implements Entry<PoolTask>, Task<never>, AttemptedTask {
  // First the fields that forgetting it reads, long after the others have left the processor's caches.
  prev: PoolTask | null = null
  next: PoolTask | null = null
  /** Made when the id is first read. */
  ticket: Ticket | null = null
  /** Stamps are in whole milliseconds since the pool was made; -1: not yet. */
  settledMs = -1
  // The fields of the scheduler. One flat class: the engine would call a base class's constructor for every task.
  stage: Stage = OUTSIDE
  order = 0
  lane: Lane<PoolTask> | null = null
  readonly owner: TaskOwner
  /** Dropped once a function's task has settled: a closure may hold much. */
  work: Work | undefined
  /** A handler's input until the task settles; then its outcome: the result, the error or the cancellation. */
  payload: unknown
  queuedMs: number
  startedMs = -1
  observers: Resolve | Observer | null = null
  details: TaskDetails | null = null
  context: AsyncContext | null = null
  worker: AttemptSlot | null = null

  constructor(owner: TaskOwner, work: Work | undefined, input: unknown, queuedMs: number) {
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
    return STATES[this.shownStage]
  }

  get error(): unknown {
    const stage = this.shownStage
    return stage === FAILED || stage === CANCELED ? this.rejection() : undefined
  }

  /** Whether it is shown as settled. */
  get isSettled(): boolean {
    return this.shownStage >= SUCCEEDED
  }

  /** The stage that readers see: of a stored task the last one that is on disk. */
  get shownStage(): Stage {
    return this.shown === null ? this.stage : this.shown.stage
  }

  /** What readers see in place of the present state. */
  get shown(): Shown | null {
    return this.details === null || this.details.stored === null ? null : this.details.stored.shown
  }

  /** When it came to wait for a worker for the first time. */
  get readyMs(): number {
    return this.details === null || this.details.readyMs < 0 ? this.queuedMs : this.details.readyMs
  }

  get retainMs(): number | undefined {
    return this.details === null ? undefined : this.details.retainMs
  }

  /** Calls of the function so far. */
  get attempt(): number {
    return this.startedMs < 0 ? 0 : 1 + (this.details?.retries ?? 0)
  }

  /** Attempts that failed, the present one included. A rerun after the end of its process is none. */
  get tries(): number {
    return this.details === null || this.details.stored === null ? this.attempt : this.details.stored.failures + 1
  }

  /** Grows by one at each change: counted from the stamps, plus the changes that few tasks have. */
  get revision(): number {
    return this.shown === null ? this.presentRevision : this.shown.revision
  }

  /** The revision of the present state, whether or not it is shown. */
  get presentRevision(): number {
    const begun = this.startedMs >= 0 ? 2 : this.stage === RUNNING ? 1 : 0
    return 1 + begun + (isSettled(this.stage) ? 1 : 0) + (this.details?.changes ?? 0)
  }

  result(): Promise<never> {
    if (this.isSettled) {
      this.observers ??= OBSERVED // whoever asked before the end may still have to be answered
      return Promise.resolve(this.resolution() as never)
    }
    const promise = new Promise<never>(keepResolve)
    const resolve = takeResolve()
    this.observers = this.observers === null ? resolve : Observer.join(this.observers, resolve, true)
    return promise
  }

  settled(): Promise<PoolTask> {
    if (this.isSettled) {
      this.observers ??= OBSERVED
      return Promise.resolve(this)
    }
    const promise = new Promise<PoolTask>(keepResolve as (resolve: (task: PoolTask) => void) => void)
    this.observers = Observer.join(this.observers, takeResolve(), false)
    return promise
  }

  cancel(reason?: unknown): boolean {
    return this.owner.cancel(this, Cancellation.byUser(reason))
  }

  reprioritize(priority: number): boolean {
    return this.owner.reprioritize(this, safeInteger('priority', priority))
  }

  forget(): boolean {
    return this.owner.forget(this)
  }

  changes(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncIterable<TaskRecord> {
    const { signal } = optionsOf<{ signal?: unknown }>('options', options, { signal: true })
    return new TaskChanges(this, this.owner.signals, signal === undefined ? undefined : abortSignal('signal', signal))
  }

  get recorded(): Promise<void> {
    return this.details === null || this.details.stored === null ? RECORDED : this.details.stored.recorded()
  }

  /** What the promise of the result is resolved with. */
  resolution(): unknown {
    return this.stage === SUCCEEDED ? this.payload : Promise.reject(this.rejection())
  }

  /** What the failed or canceled task is rejected with; made once. */
  rejection(): unknown {
    if (this.stage === FAILED) return this.payload
    if (this.payload instanceof Cancellation) {
      const { reason, cause } = this.payload
      this.payload = new TaskCanceledError(this.id, reason, cause === undefined ? undefined : { cause })
    }
    return this.payload
  }

  record(): TaskRecord {
    const isQueued = this.stage === QUEUED && this.shownStage === QUEUED
    return recordOf(this, isQueued ? this.owner.position(this) : undefined)
  }

  toJSON(): TaskRecord {
    return this.record()
  }

  toString(): string {
    return `Task ${this.name ?? ''}${this.name === undefined ? '' : ' '}${this.id} ${this.state}`
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

  /** Counts a change that does not show in the stamps. */
  changed(): void {
    this.detailed().changes++
  }

  /** The context in which the user's listeners and hooks are called for this task. */
  get scope(): Scope {
    return this.context ?? this.owner.scope
  }

  watch(watcher: ChangeWatcher): void {
    const details = this.detailed()
    details.watchers ??= new Set()
    details.watchers.add(watcher)
  }

  unwatch(watcher: ChangeWatcher): void {
    this.details?.watchers?.delete(watcher)
  }

  /** Notifies those who follow the changes. */
  notify(): void {
    if (this.details !== null) this.details.notify()
  }

  /** The caller's own signal aborted. */
  onAbort(reason: unknown): void {
    this.owner.cancel(this, new Cancellation('signal', reason))
  }

  /** Keeps the progress that its function reports. The revision and the event follow at the end of the turn. */
  reportProgress(ratio: number, message: string | undefined): void {
    const details = this.detailed()
    const progress: TaskProgress = message === undefined ? { ratio } : { ratio, message: cut(message) }
    details.progress = Object.freeze(progress)
    if (details.progressed) return
    details.progressed = true
    this.owner.progressed(this)
  }

  /** Takes the outcome and drops everything else. */
  end(payload: unknown, settledMs: number): void {
    this.payload = payload
    this.settledMs = settledMs
    this.worker = null
    this.details?.end()
    if (typeof this.work === 'function') this.work = undefined
  }

  /** It stays in its store: its result is for the next pool. */
  leave(reason: unknown): void {
    this.payload = reason
    this.worker = null
    this.details?.end()
  }

  /** Resolves the promises of the observers. */
  answer(): void {
    const { observers } = this
    if (observers === null) return
    this.observers = OBSERVED
    if (observers instanceof Observer) observers.answer(this)
    else observers(this.resolution() as never)
  }
}

/** The state that each stage is shown as. */
export const STATES: Readonly<Record<Stage, TaskState>> = {
  [OUTSIDE]: 'queued',
  [QUEUED]: 'queued',
  [DELAYED]: 'queued',
  [RUNNING]: 'running',
  [SUCCEEDED]: 'succeeded',
  [FAILED]: 'failed',
  [CANCELED]: 'canceled',
  [LEFT]: 'queued'
}

const RECORDED = /* @__PURE__ */ Promise.resolve()

const resolveNothing: Resolve = () => {}
/** What resolves the promise that is being made: one executor for all promises instead of a closure for each. */
let kept = resolveNothing

function keepResolve(resolve: Resolve): void {
  kept = resolve
}

function takeResolve(): Resolve {
  const resolve = kept
  kept = resolveNothing
  return resolve
}
