export { LeaseLostError } from '../contract/store-errors.js'
export type { SharedPoolEvents, TaskNotice } from './notices.js'
export { sharedPool } from './open.js'
export type { SharedPoolOptions, SharedTaskOptions } from './options.js'
export {
  type SharedCounts,
  SharedPool,
  type SharedPoolState,
  type SharedPoolStats,
  type SharedStopOptions
} from './shared-pool.js'
export { SharedTask } from './shared-task.js'
