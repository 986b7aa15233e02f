import { PoolError } from '../contract/errors.js'
import { suggestion } from '../contract/suggestion.js'
import { read } from '../contract/task-record.js'

/**
 * The thread ended while the task ran: `process.exit` was called in it, it ran out of memory, or an exception was not
 * caught there. `cause` is that exception, if there was one. Other tasks go on.
 */
export class ThreadExitError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_THREAD_EXIT'
  readonly code = 'ERR_THREAD_EXIT'
  /** Exit code of the thread. */
  readonly exitCode: number

  constructor(exitCode: number, cause?: unknown) {
    super(`The thread of the task ended: ${reasonOf(exitCode, cause)}.`, cause === undefined ? {} : { cause })
    this.exitCode = exitCode
  }
}

function reasonOf(exitCode: number, cause: unknown): string {
  if (cause === undefined) return `\`process.exit\` was called in it, with the exit code ${exitCode}`
  return read(cause, 'code') === 'ERR_WORKER_OUT_OF_MEMORY'
    ? 'out of memory'
    : 'an exception was not caught, see `cause`'
}

/** The file of the task cannot be loaded, then `cause` says why; or it exports no such function. */
export class ThreadFileError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_THREAD_FILE'
  readonly code = 'ERR_THREAD_FILE'
  /** URL of the file. */
  readonly file: string
  /** Name of the function. */
  readonly export: string

  /** @param functions - names of the functions that the file exports, if it can be loaded */
  constructor(file: string, name: string, functions: readonly string[] | undefined, options?: ErrorOptions) {
    super(
      functions === undefined
        ? 'The file of the task cannot be loaded in a thread: see `file` and `cause`.'
        : `The file of the task exports no function \`${name}\`${suggestion(name, functions) || ': see `file`.'}`,
      options
    )
    this.file = file
    this.export = name
  }
}

/** The input or the result of the task cannot be sent between threads: `cause` says what is wrong. */
export class ThreadDataError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_THREAD_DATA'
  readonly code = 'ERR_THREAD_DATA'
  /** What cannot be sent. */
  readonly part: 'input' | 'result'

  constructor(part: 'input' | 'result', options: ErrorOptions) {
    super(
      `The ${part} of the task cannot be sent between threads by the structured clone algorithm: see \`cause\`.`,
      options
    )
    this.part = part
  }
}
