import type { PoolState } from '../contract/reports.js'
import type { RetryOptions } from '../contract/retry-options.js'
import type { CancelOutcome, TaskContext } from '../contract/task-contract.js'
import type { JsonValue, TaskRecord } from '../contract/task-record.js'
import type { Awaitable } from './conformance-case.js'

/** Functions of the pool under test, by name. Inputs and results have a JSON form. */
export type ConformanceHandlers = Readonly<Record<string, (input: JsonValue, ctx: TaskContext) => Awaitable<JsonValue>>>

/** What the suite asks of a new pool. */
export interface PoolUnderTestOptions {
  /** Tasks that run at the same time in this process. */
  readonly concurrency: number
  /** Accepted tasks that may wait for a worker. */
  readonly queueCapacity: number
  /** The functions. */
  readonly handlers: ConformanceHandlers
  /** Retry policy of the pool. */
  readonly retry?: RetryOptions
}

/** Options of a task that every kind of pool has. */
export interface TaskUnderTestOptions {
  /** The ticket, if the caller chooses it. */
  readonly id?: string
  /** Client, tenant or resource of the task. */
  readonly key?: string
  /** Tasks of a higher priority start first. */
  readonly priority?: number
  /** Limit for one attempt, in milliseconds. */
  readonly timeoutMs?: number
  /** JSON data attached to the task. */
  readonly metadata?: JsonValue
}

/** What every kind of task has. */
export interface TaskUnderTest {
  /** The ticket. */
  readonly id: string
  /** Resolves with the result; rejects with the error or the cancel. */
  result(): Promise<unknown>
  /** Resolves once the state is final. */
  settled(): Promise<unknown>
}

/** What every kind of pool has. Where one returns a value, another may return a promise of it. */
export interface PoolUnderTest {
  /** State of the pool. */
  readonly state: PoolState
  /** Starts to run tasks. */
  start(): unknown
  /** Queues a task by the name of its handler; throws or rejects when it is refused. */
  queueTask(name: string, input: JsonValue, options?: TaskUnderTestOptions): Awaitable<TaskUnderTest>
  /** Cancels a task. */
  cancel(id: string): Awaitable<CancelOutcome>
  /** The record of a task. */
  findTask(id: string): Promise<TaskRecord | undefined>
  /** Stops the pool. */
  stop(options: { readonly graceMs: number; readonly forceMs?: number }): Promise<unknown>
}
