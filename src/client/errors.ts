import { type CanceledReason, read } from '../contract/task-record.js'

/** The codes of the client's errors. */
export type ClientErrorCode =
  | 'ERR_TASK_FAILED'
  | 'ERR_TASK_CANCELED'
  | 'ERR_RESULT_OMITTED'
  | 'ERR_TICKET_NOT_FOUND'
  | 'ERR_REQUEST_REFUSED'
  | 'ERR_SERVER_UNAVAILABLE'
  | 'ERR_SERVER_UNREACHABLE'
  | 'ERR_UNEXPECTED_ANSWER'

const BRAND = Symbol.for('coatcheck.ClientError')

/** Names that stay when a bundler shortens those of the classes. */
const NAMES: Readonly<Record<ClientErrorCode, string>> = {
  ERR_TASK_FAILED: 'TaskFailedError',
  ERR_TASK_CANCELED: 'TaskCanceledError',
  ERR_RESULT_OMITTED: 'ResultOmittedError',
  ERR_TICKET_NOT_FOUND: 'TicketNotFoundError',
  ERR_REQUEST_REFUSED: 'RequestRefusedError',
  ERR_SERVER_UNAVAILABLE: 'ServerUnavailableError',
  ERR_SERVER_UNREACHABLE: 'ServerUnreachableError',
  ERR_UNEXPECTED_ANSWER: 'UnexpectedAnswerError'
}

/** The base class of the client's errors. An abort is not one of them: it rejects with the signal's own reason. */
export abstract class ClientError extends Error {
  /** Identifies the error, for programs. Its meaning never changes. */
  abstract readonly code: ClientErrorCode

  /**
   * The ticket's URL, once it is known, for `poll`. It gives access to the result, so {@link ClientError.toJSON} omits it.
   */
  declare readonly ticketUrl: string | undefined

  protected constructor(message: string, ticketUrl: string | undefined, options?: ErrorOptions) {
    super(message, options)
    Object.defineProperty(this, BRAND, { value: true })
    Object.defineProperty(this, 'ticketUrl', { value: ticketUrl })
  }

  /** The name of the class. An accessor, because a bundler keeps every class that is changed when it is loaded. */
  override get name(): string {
    return NAMES[this.code]
  }

  /** @internal */
  override set name(value: string) {
    Object.defineProperty(this, 'name', { value, writable: true, configurable: true })
  }

  /** Name, code, message and fields of the error, for logs. */
  toJSON(): Record<string, unknown> {
    return { ...Object.fromEntries(Object.entries(this)), name: this.name, message: this.message }
  }
}

/**
 * Whether a value is an error of the client, of any copy of the package. Never throws.
 *
 * @example
 * ```ts
 * import { isClientError } from 'coatcheck/client'
 *
 * export const isBusy = (error: unknown) => isClientError(error) && error.code === 'ERR_SERVER_UNAVAILABLE'
 * ```
 */
export function isClientError(value: unknown): value is ClientError {
  return typeof value === 'object' && read(value, BRAND) === true
}

/** The task failed. The message is the one that the server sent. */
export class TaskFailedError extends ClientError {
  readonly code = 'ERR_TASK_FAILED'
  /** The code of the failure: `TASK_TIMEOUT`, a code of the application, or `TASK_FAILED` without one. */
  readonly taskCode: string

  constructor(failure: { readonly code: string; readonly message: string }, ticketUrl: string) {
    super(failure.message, ticketUrl)
    this.taskCode = failure.code
  }
}

/** The task was canceled by another client or by the server. */
export class TaskCanceledError extends ClientError {
  readonly code = 'ERR_TASK_CANCELED'
  /** The source of the cancel; `null` when the server does not state it. */
  readonly reason: CanceledReason | null
  /** Whether an attempt had started. If not, the work can be submitted again safely. */
  readonly started: boolean

  constructor(
    status: { readonly reason: CanceledReason | null; readonly startedAt: string | null },
    ticketUrl: string
  ) {
    super(`The task was canceled (${status.reason ?? 'no reason was given'}).`, ticketUrl)
    this.reason = status.reason
    this.started = status.startedAt !== null
  }
}

/** The task succeeded, but its result has no JSON form and cannot be sent. */
export class ResultOmittedError extends ClientError {
  readonly code = 'ERR_RESULT_OMITTED'

  /** @param why - the server's explanation */
  constructor(why: string, ticketUrl: string) {
    super(`The task succeeded, but its result cannot be sent: ${why}.`, ticketUrl)
  }
}

/** The server has no such ticket: it has expired or never existed. */
export class TicketNotFoundError extends ClientError {
  readonly code = 'ERR_TICKET_NOT_FOUND'

  constructor(ticketUrl: string) {
    super('The server has no such ticket, or no longer.', ticketUrl)
  }
}

/** How a server refused a request. */
export interface Refusal {
  /** The status code. */
  readonly status: number
  /** The server's code, such as `QUEUE_FULL`; `null` without one. */
  readonly problemCode: string | null
  /** The server's description; `null` without one. */
  readonly detail: string | null
}

/** One wrong field of the body. */
export interface FieldProblem {
  /** The field, as a JSON pointer (RFC 6901). */
  readonly pointer: string
  /** What the field must be. */
  readonly detail: string
}

/** The request is wrong or not allowed; a retry would not help. Nothing was queued. */
export class RequestRefusedError extends ClientError implements Refusal {
  readonly code = 'ERR_REQUEST_REFUSED'
  readonly status: number
  readonly problemCode: string | null
  readonly detail: string | null
  /** The wrong fields, if the server listed them. */
  readonly fields: readonly FieldProblem[]

  constructor(refusal: Refusal & Pick<RequestRefusedError, 'fields'>, ticketUrl: string | undefined) {
    super(`The server refused the request with ${summary(refusal)}`, ticketUrl)
    this.status = refusal.status
    this.problemCode = refusal.problemCode
    this.detail = refusal.detail
    this.fields = refusal.fields
  }
}

/** In every attempt the server had no room or a temporary failure. */
export class ServerUnavailableError extends ClientError implements Refusal {
  readonly code = 'ERR_SERVER_UNAVAILABLE'
  readonly status: number
  readonly problemCode: string | null
  readonly detail: string | null
  /** The server's `Retry-After` in milliseconds; `null` without one. */
  readonly retryAfterMs: number | null

  constructor(refusal: Refusal & Pick<ServerUnavailableError, 'retryAfterMs'>, ticketUrl: string | undefined) {
    super(`The server answers with ${summary(refusal)}`, ticketUrl)
    this.status = refusal.status
    this.problemCode = refusal.problemCode
    this.detail = refusal.detail
    this.retryAfterMs = refusal.retryAfterMs
  }
}

function summary({ status, problemCode, detail }: Refusal): string {
  return `${status}${problemCode === null ? '' : ` ${problemCode}`}${detail === null ? '.' : `: ${detail}`}`
}

/**
 * No attempt got a complete answer; `cause` is the error of the last one. Without a `ticketUrl` it is unknown whether the
 * task was queued: submit again with the same `idempotencyKey`.
 */
export class ServerUnreachableError extends ClientError {
  readonly code = 'ERR_SERVER_UNREACHABLE'

  constructor(cause: unknown, ticketUrl: string | undefined) {
    super('The server could not be reached, or its answer did not arrive.', ticketUrl, { cause })
  }
}

/** The answer is not that of a ticket server: a page instead of a status, a redirect, or an untrusted origin. */
export class UnexpectedAnswerError extends ClientError {
  readonly code = 'ERR_UNEXPECTED_ANSWER'
  /** The status code; 0 where the browser hides it. */
  readonly status: number

  /** @param problem - why the answer cannot be used */
  constructor(problem: string, status: number, ticketUrl: string | undefined) {
    super(`The server gave an answer that cannot be used: ${problem}.`, ticketUrl)
    this.status = status
  }
}
