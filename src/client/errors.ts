import { type CanceledReason, read } from '../contract/task-record.js'

/** The codes of all errors that the client makes. */
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

/** What all errors of the client extend. An abort is none of them: it rejects with the signal's own reason. */
export abstract class ClientError extends Error {
  /** What happened, for programs. Never changes its meaning. */
  abstract readonly code: ClientErrorCode

  /**
   * The ticket's URL, once it is known: `poll` goes on from there. Who has it may read the result, so it is not among
   * what {@link ClientError.toJSON} gives to a log.
   */
  declare readonly ticketUrl: string | undefined

  protected constructor(message: string, ticketUrl: string | undefined, options?: ErrorOptions) {
    super(message, options)
    Object.defineProperty(this, BRAND, { value: true })
    Object.defineProperty(this, 'ticketUrl', { value: ticketUrl })
  }

  /** The name of the class. An accessor, because a bundler keeps every class that is changed when it is loaded. */
  override get name(): string {
    return NAMES[this.code] ?? 'ClientError'
  }

  override set name(value: string) {
    Object.defineProperty(this, 'name', { value, writable: true, configurable: true })
  }

  /** Name, code, message and the facts of this error, for logs. */
  toJSON(): Record<string, unknown> {
    return { ...Object.fromEntries(Object.entries(this)), name: this.name, message: this.message }
  }
}

/**
 * Whether a value is an error of the client, of whatever copy of the package. Never throws.
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

/** The task failed. The message is what the server tells of it. */
export class TaskFailedError extends ClientError {
  readonly code = 'ERR_TASK_FAILED'
  /** The task's own code: `TASK_TIMEOUT`, one of the application's, `TASK_FAILED` when it has none. */
  readonly taskCode: string

  constructor(failure: { readonly code: string; readonly message: string }, ticketUrl: string) {
    super(failure.message, ticketUrl)
    this.taskCode = failure.code
  }
}

/** The task was canceled, by somebody else or by the server. */
export class TaskCanceledError extends ClientError {
  readonly code = 'ERR_TASK_CANCELED'
  /** Who asked; `null` when the server does not say. */
  readonly reason: CanceledReason | null
  /** Whether it had begun. If not it never ran, and may be submitted again safely. */
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

/** The task succeeded, but what it returned has no JSON form, so that it cannot be had here. */
export class ResultOmittedError extends ClientError {
  readonly code = 'ERR_RESULT_OMITTED'

  /** @param why - what the server says about it */
  constructor(why: string, ticketUrl: string) {
    super(`The task succeeded, but its result cannot be sent: ${why}.`, ticketUrl)
  }
}

/** The server knows no such ticket: it has expired, or never was. */
export class TicketNotFoundError extends ClientError {
  readonly code = 'ERR_TICKET_NOT_FOUND'

  constructor(ticketUrl: string) {
    super('The server knows no such ticket, or not any more.', ticketUrl)
  }
}

/** What a server says about a request that it does not serve. */
export interface Refusal {
  /** The status code. */
  readonly status: number
  /** The server's own code, such as `QUEUE_FULL`; `null` when it gives none. */
  readonly problemCode: string | null
  /** The server's own words. */
  readonly detail: string | null
}

/** One wrong field of what was sent. */
export interface FieldProblem {
  /** Where it stands: a JSON pointer, RFC 6901. */
  readonly pointer: string
  /** What it should be. */
  readonly detail: string
}

/** Asking again would not help: the request is wrong, or not allowed. Nothing was queued. */
export class RequestRefusedError extends ClientError implements Refusal {
  readonly code = 'ERR_REQUEST_REFUSED'
  readonly status: number
  readonly problemCode: string | null
  readonly detail: string | null
  /** The fields that the server finds wrong. */
  readonly fields: readonly FieldProblem[]

  constructor(refusal: Refusal & Pick<RequestRefusedError, 'fields'>, ticketUrl: string | undefined) {
    super(`The server refused the request with ${said(refusal)}`, ticketUrl)
    this.status = refusal.status
    this.problemCode = refusal.problemCode
    this.detail = refusal.detail
    this.fields = refusal.fields
  }
}

/** The server has no room, or is not well, and did not get better in all attempts. */
export class ServerUnavailableError extends ClientError implements Refusal {
  readonly code = 'ERR_SERVER_UNAVAILABLE'
  readonly status: number
  readonly problemCode: string | null
  readonly detail: string | null
  /** In how many milliseconds the server wants to be asked again; `null` when it does not say. */
  readonly retryAfterMs: number | null

  constructor(refusal: Refusal & Pick<ServerUnavailableError, 'retryAfterMs'>, ticketUrl: string | undefined) {
    super(`The server answers with ${said(refusal)}`, ticketUrl)
    this.status = refusal.status
    this.problemCode = refusal.problemCode
    this.detail = refusal.detail
    this.retryAfterMs = refusal.retryAfterMs
  }
}

function said({ status, problemCode, detail }: Refusal): string {
  return `${status}${problemCode === null ? '' : ` ${problemCode}`}${detail === null ? '.' : `: ${detail}`}`
}

/**
 * No answer came in all attempts; `cause` is what the last one ended with. Without a `ticketUrl` it is unknown whether
 * the task was queued: submit it again with the same `idempotencyKey`.
 */
export class ServerUnreachableError extends ClientError {
  readonly code = 'ERR_SERVER_UNREACHABLE'

  constructor(cause: unknown, ticketUrl: string | undefined) {
    super('The server could not be reached, or its answer did not arrive.', ticketUrl, { cause })
  }
}

/** Whatever answered is not a server of tickets: a page in place of a status, a redirect, a ticket on another origin. */
export class UnexpectedAnswerError extends ClientError {
  readonly code = 'ERR_UNEXPECTED_ANSWER'
  /** The status code; 0 where a browser hides it. */
  readonly status: number

  /** @param what - what is wrong with it */
  constructor(what: string, status: number, ticketUrl: string | undefined) {
    super(`The server gave an answer that cannot be used: ${what}.`, ticketUrl)
    this.status = status
  }
}
