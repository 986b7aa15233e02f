import { withKillAfterMs } from '../contract/kill-after.js'
import type { HandlerOptions, InputOf, ResultOf, TaskContext } from '../contract/task-contract.js'
import { ThreadDataError, ThreadFileError } from './errors.js'
import type { Outcome } from './messages.js'
import { type CpuTaskOptions, type CpuTaskSettings, checkCpuTaskOptions } from './options.js'
import type { ThreadFunction } from './thread-context.js'
import { releaseThread, takeThread } from './threads.js'
import { revived } from './thrown.js'

/** A handler that calls a function in a thread: input and result are those of the function. */
export type CpuHandler<F> = HandlerOptions<(input: InputOf<F>, ctx: TaskContext) => Promise<ResultOf<F>>>

/**
 * Makes a handler whose function runs in a thread of its own, so that a computation does not block the event loop. For the
 * pool it is a handler like any other: its bounds, tickets, limits, retries, stop and HTTP are the same.
 *
 * A task holds its worker until its function has ended, or its thread has gone: no more than `concurrency` threads exist at any
 * instant for the tasks of one pool. Threads are kept for `idleMs` and used again. They do not keep the process alive without a
 * task, and need not be closed.
 *
 * An abort reaches `ctx.signal` in the thread first. If the function still runs `killAfterMs` later, its thread is ended by
 * force, and the task ends as if the function had thrown the reason of the abort.
 *
 * An error that the function throws arrives as an `Error` with the same `name`, `message`, `code`, `expose`, `stack` and
 * `cause`; a `snooze` works. The task fails with a {@link ThreadFileError} if the function cannot be loaded, a
 * {@link ThreadDataError} if input or result cannot be copied, and a {@link ThreadExitError} if its thread ends by itself.
 *
 * @typeParam F - the type of the function, as in `cpuTask<typeof resize>`
 * @throws TypeError, RangeError for options
 *
 * @example
 * ```ts
 * import { WorkerPool } from 'coatcheck'
 * import { cpuTask } from 'coatcheck/threads'
 *
 * // resize.js: export const resize = (input: { width: number }, ctx) => …
 * type Resize = (input: { width: number }) => Uint8Array
 *
 * const pool = new WorkerPool({
 *   concurrency: 4,
 *   queueCapacity: 100,
 *   handlers: { resize: cpuTask<Resize>({ file: new URL('./resize.js', import.meta.url), export: 'resize' }) }
 * })
 * pool.start()
 * const task = pool.queueTask('resize', { width: 200 })
 * ```
 */
export function cpuTask<F extends ThreadFunction>(options: CpuTaskOptions<F>): CpuHandler<F> {
  const settings = checkCpuTaskOptions(options)
  const run = async (input: InputOf<F>, ctx: TaskContext): Promise<ResultOf<F>> =>
    resultOf(await callInThread(settings, input, ctx), settings, ctx) as ResultOf<F>
  return withKillAfterMs({ ...settings.handler, run }, settings.killAfterMs)
}

async function callInThread(settings: CpuTaskSettings, input: unknown, ctx: TaskContext): Promise<Outcome> {
  const thread = await takeThread(settings.thread)
  try {
    return await thread.call(settings, input, ctx)
  } finally {
    releaseThread(thread, settings.idleMs)
  }
}

function resultOf(outcome: Outcome, { file, export: name }: CpuTaskSettings, { signal }: TaskContext): unknown {
  if ('value' in outcome) return outcome.value
  if ('aborted' in outcome) throw signal.reason
  if ('thrown' in outcome) throw revived(outcome.thrown)
  if ('uncloneable' in outcome) throw new ThreadDataError('result', { cause: revived(outcome.uncloneable) })
  if ('functions' in outcome) throw new ThreadFileError(file, name, outcome.functions)
  throw new ThreadFileError(file, name, undefined, { cause: revived(outcome.unloaded) })
}
