/**
 * The pool, its tasks, its errors and `WaitGroup`.
 *
 * @module coatcheck
 */
export type {
  CancelAllOptions,
  DrainOptions,
  PauseOptions,
  ResizeOptions,
  StartOptions,
  StopOptions,
  TasksQuery
} from './contract/call-options.js'
export {
  DrainTimeoutError,
  DuplicateTaskError,
  type FullFacts,
  isPoolError,
  KeyQueueFullError,
  PoolDeadlockError,
  PoolError,
  type PoolErrorCode,
  PoolStoppedError,
  QueueFullError,
  TaskCanceledError,
  TaskInterruptedError,
  TaskTimeoutError,
  WaitFullError,
  WaitGroupError,
  WaitTimeoutError,
  type WeightFacts
} from './contract/errors.js'
export type {
  DiagnosticsChannelName,
  DiagnosticsMessage,
  EndNotice,
  PoolEventName,
  PoolEvents,
  PoolListener,
  RefusalNotice,
  RetryNotice,
  SnoozeNotice,
  StoppingNotice,
  StoreNotice
} from './contract/events.js'
export type {
  PerKeyOptions,
  RateLimitOptions,
  RetentionOptions,
  UnobservedSource,
  WorkerPoolOptions
} from './contract/options.js'
export type {
  CancelAllReport,
  DurationBucket,
  DurationStats,
  PoolState,
  PoolStats,
  PoolTotals,
  RetentionStats,
  StopReport,
  TaskCount
} from './contract/reports.js'
export type { RetryOptions } from './contract/retry-options.js'
export { snooze } from './contract/snooze.js'
export type { OpenStore, StoreBatch, StoredChange, StoredTask, TaskMirror } from './contract/store.js'
export { StoreError, TaskPoisonedError } from './contract/store-errors.js'
export type {
  After,
  CancelOutcome,
  Handler,
  HandlerOptions,
  Handlers,
  HandlersOf,
  InputOf,
  ResultOf,
  RunOf,
  Task,
  TaskContext
} from './contract/task-contract.js'
export type { TaskOptions, WaitOptions } from './contract/task-options.js'
export type {
  CanceledReason,
  ErrorRecord,
  JsonValue,
  TaskProgress,
  TaskRecord,
  TaskState
} from './contract/task-record.js'
export { WorkerPool } from './pool/worker-pool.js'
export type { Clock, Timer } from './ports/clock.js'
export { WaitGroup } from './waiting/wait-group.js'
