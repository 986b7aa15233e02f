import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ResourceLimits } from 'node:worker_threads'
import { callable, duration, finiteDuration, given, interval, optionsOf, wording } from '../contract/checks.js'
import type { HandlerOptions, InputOf } from '../contract/task-contract.js'
import type { ThreadFunction, TransferList } from './thread-context.js'

/** Options of {@link cpuTask}: its own, and those of any handler. */
export interface CpuTaskOptions<F = ThreadFunction> {
  /**
   * The file that has the function: its `file:` URL, as from `new URL('./resize.js', import.meta.url)`, or its absolute
   * path. An ES module or CommonJS, whatever Node can load with the options that the thread has.
   */
  readonly file: URL | string

  /**
   * The name under which the file exports the function.
   *
   * @defaultValue `default`
   */
  readonly export?: string | undefined

  /**
   * How long after the abort of its signal the function may still run, in milliseconds, finite, ≥ 0. Then its thread is ended
   * by force. The pool's `forceMs` has to be greater, so that a stop does not end before.
   *
   * @defaultValue 2,000
   */
  readonly killAfterMs?: number | undefined

  /**
   * How long a thread without work is kept for the next task, in milliseconds ≥ 0, or `Infinity`. It does not keep the
   * process alive.
   *
   * @defaultValue 10,000
   */
  readonly idleMs?: number | undefined

  /**
   * Chooses parts of the input that are moved into the thread instead of copied, such as the `buffer` of a typed array. They
   * are of no use outside afterwards, and so not for a second attempt either.
   *
   * @defaultValue everything is copied
   */
  readonly transfer?: ((input: InputOf<F>) => TransferList) | undefined

  /**
   * Limits of each thread's memory, in MiB: a task beyond them fails with a {@link ThreadExitError}. Buffers are not counted.
   *
   * @defaultValue those of Node
   * @see https://nodejs.org/api/worker_threads.html
   */
  readonly resourceLimits?: ResourceLimits | undefined

  /**
   * Options of Node for the threads, such as `['--import', 'tsx']` for a file in TypeScript.
   *
   * @defaultValue those of the process
   */
  readonly execArgv?: readonly string[] | undefined

  /**
   * Whether a stored task may be called again when the process ended while it ran.
   *
   * @defaultValue false
   */
  readonly rerun?: HandlerOptions['rerun']

  /** Limit for one attempt, in milliseconds. Replaces the pool's `taskTimeoutMs`. */
  readonly timeoutMs?: HandlerOptions['timeoutMs']

  /** Retry policy. Replaces the pool's `retry`. */
  readonly retry?: HandlerOptions['retry']
}

/** What a thread is started with. */
export interface ThreadSettings {
  readonly resourceLimits: ResourceLimits | undefined
  readonly execArgv: readonly string[] | undefined
  /** The same for threads that are started with the same. */
  readonly kind: string
}

/** The checked options. */
export interface CpuTaskSettings {
  /** URL of the file. */
  readonly file: string
  readonly export: string
  readonly killAfterMs: number
  readonly idleMs: number
  readonly transfer: (input: unknown) => TransferList
  readonly thread: ThreadSettings
  /** The options that the pool checks. */
  readonly handler: Omit<HandlerOptions, 'run'>
}

const OPTIONS = {
  file: true,
  export: true,
  killAfterMs: true,
  idleMs: true,
  transfer: true,
  resourceLimits: true,
  execArgv: true,
  rerun: true,
  timeoutMs: true,
  retry: true
} as const

const LIMITS = {
  maxOldGenerationSizeMb: true,
  maxYoungGenerationSizeMb: true,
  codeRangeSizeMb: true,
  stackSizeMb: true
} as const

/**
 * Checks the options. Each is read once.
 *
 * @throws TypeError, RangeError with the option, the expected value and the given one
 */
export function checkCpuTaskOptions(options: unknown): CpuTaskSettings {
  const o = optionsOf<CpuTaskOptions>('options', options, OPTIONS)
  const { rerun, timeoutMs, retry } = o
  return {
    file: checkFile(o.file),
    export: given(o.export, checkExport, 'default'),
    killAfterMs: given(o.killAfterMs, (v) => finiteDuration('killAfterMs', v), 2_000),
    idleMs: given(o.idleMs, (v) => duration('idleMs', v), 10_000),
    transfer: given(
      o.transfer,
      (v) => callable('transfer', v),
      () => []
    ),
    thread: threadSettings(
      given(o.resourceLimits, checkLimits, undefined),
      given(o.execArgv, checkExecArgv, undefined)
    ),
    handler: { rerun, timeoutMs, retry }
  }
}

function threadSettings(
  resourceLimits: ThreadSettings['resourceLimits'],
  execArgv: ThreadSettings['execArgv']
): ThreadSettings {
  return { resourceLimits, execArgv, kind: JSON.stringify([resourceLimits, execArgv]) }
}

function checkFile(file: unknown): string {
  const expected = 'a `file:` URL or an absolute path'
  if (typeof file !== 'string' && !(file instanceof URL)) throw new TypeError(wording('file', expected, file))
  const text = String(file)
  if (text.startsWith('file:')) return text
  if (!isAbsolute(text)) throw new RangeError(wording('file', expected, text))
  return pathToFileURL(text).href
}

function checkExport(name: unknown): string {
  if (typeof name !== 'string') throw new TypeError(wording('export', 'a string', name))
  return name
}

function checkLimits(limits: unknown): ResourceLimits {
  const o = optionsOf<ResourceLimits>('resourceLimits', limits, LIMITS)
  for (const [name, value] of Object.entries(o)) interval(`resourceLimits.${name}`, value)
  return { ...o }
}

function checkExecArgv(execArgv: unknown): readonly string[] {
  const isList = Array.isArray(execArgv) && execArgv.every((word) => typeof word === 'string')
  if (!isList) throw new TypeError(wording('execArgv', 'an array of strings', execArgv))
  return [...execArgv]
}
