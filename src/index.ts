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
  WaitTimeoutError
} from './errors.js'
export type { PoolEventName, PoolEvents, PoolListener, RefusalNotice, RetryNotice, StoppingNotice } from './events.js'
export type {
  DrainOptions,
  PerKeyOptions,
  RateLimitOptions,
  ResizeOptions,
  RetentionOptions,
  RetryOptions,
  StartOptions,
  StopOptions,
  TaskOptions,
  TasksQuery,
  UnobservedSource,
  WaitOptions,
  WorkerPoolOptions
} from './options.js'
export type { Clock, Timer } from './ports/clock.js'
export type { DurationStats, PoolState, PoolStats, PoolTotals, StopReport, TaskCount } from './reports.js'
export type {
  After,
  CancelOutcome,
  Handlers,
  HandlersOf,
  InputOf,
  ResultOf,
  Task,
  TaskContext
} from './task-contract.js'
export type {
  CanceledReason,
  ErrorRecord,
  JsonValue,
  TaskProgress,
  TaskRecord,
  TaskState
} from './task-record.js'
export { WaitGroup } from './wait-group.js'
export { WorkerPool } from './worker-pool.js'
