/**
 * Handlers that compute in worker threads.
 *
 * @module coatcheck/threads
 */
export { type CpuHandler, cpuTask } from './cpu-task.js'
export { ThreadDataError, ThreadExitError, ThreadFileError } from './errors.js'
export type { CpuTaskOptions } from './options.js'
export type { ThreadContext, ThreadFunction, TransferList } from './thread-context.js'
