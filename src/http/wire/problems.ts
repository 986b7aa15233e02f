import type { TaskState } from '../../contract/task-record.js'
import { type HttpReply, replyWith } from './reply.js'

/** Identifies a kind of problem. */
export type ProblemCode =
  | 'INVALID_BODY'
  | 'INVALID_FIELD'
  | 'INVALID_IDEMPOTENCY_KEY'
  | 'CROSS_SITE'
  | 'NOT_FOUND'
  | 'TICKET_NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'ALREADY_FINISHED'
  | 'TICKET_ELSEWHERE'
  | 'DUPLICATE_TASK'
  | 'BODY_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'MISDIRECTED_REQUEST'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'KEY_QUEUE_FULL'
  | 'INTERNAL'
  | 'POOL_STOPPED'
  | 'QUEUE_FULL'
  | 'STORE_UNAVAILABLE'
  | 'WAIT_FULL'
  | 'WAIT_TIMEOUT'

/** Status, title and default detail of each problem. */
const PROBLEMS: Readonly<Record<ProblemCode, readonly [status: number, title: string, detail: string]>> = {
  INVALID_BODY: [400, 'Bad Request', 'The body is not a JSON object in UTF-8.'],
  INVALID_FIELD: [400, 'Bad Request', 'A field of the body is missing or wrong.'],
  INVALID_IDEMPOTENCY_KEY: [
    400,
    'Bad Request',
    'An Idempotency-Key has 1 to 255 printable characters, bare or quoted.'
  ],
  CROSS_SITE: [403, 'Forbidden', 'This is not open to pages of other sites.'],
  NOT_FOUND: [404, 'Not Found', 'There is nothing here.'],
  TICKET_NOT_FOUND: [404, 'Not Found', 'There is no such ticket, or it has expired.'],
  METHOD_NOT_ALLOWED: [405, 'Method Not Allowed', 'This resource does not have that method; see the Allow header.'],
  ALREADY_FINISHED: [409, 'Conflict', 'The task has ended already; there is nothing left to cancel.'],
  TICKET_ELSEWHERE: [409, 'Conflict', 'The task belongs to another process, and was not canceled.'],
  DUPLICATE_TASK: [409, 'Conflict', 'A task with this id exists already.'],
  BODY_TOO_LARGE: [413, 'Content Too Large', 'The body is larger than this resource takes.'],
  UNSUPPORTED_MEDIA_TYPE: [
    415,
    'Unsupported Media Type',
    'Send the body as application/json in UTF-8, without a content encoding.'
  ],
  MISDIRECTED_REQUEST: [421, 'Misdirected Request', 'This server does not answer for that host.'],
  IDEMPOTENCY_KEY_REUSED: [
    422,
    'Unprocessable Content',
    'This Idempotency-Key was sent before, with another body or by another client.'
  ],
  KEY_QUEUE_FULL: [429, 'Too Many Requests', 'Too much of your own work is waiting already. Try again later.'],
  INTERNAL: [500, 'Internal Server Error', 'Something went wrong here; nothing is wrong with the request.'],
  POOL_STOPPED: [503, 'Service Unavailable', 'The server is stopping and takes no more work.'],
  QUEUE_FULL: [503, 'Service Unavailable', 'All workers are busy and the queue is full. Try again later.'],
  STORE_UNAVAILABLE: [503, 'Service Unavailable', 'The store of the tasks is not available. Try again later.'],
  WAIT_FULL: [503, 'Service Unavailable', 'All workers are busy and too many wait for room. Try again later.'],
  WAIT_TIMEOUT: [503, 'Service Unavailable', 'No room became free in time. Try again later.']
}

/** One wrong field. */
export interface FieldProblem {
  /** The field, as a JSON pointer (RFC 6901). */
  readonly pointer: string
  /** What the field must be. Never its value. */
  readonly detail: string
}

/** The body of an error reply: a problem document. @see RFC 9457 */
export interface Problem {
  /** Always `about:blank`: the title is the reason phrase of the status. */
  readonly type: 'about:blank'
  /** The reason phrase of the status. */
  readonly title: string
  /** The status code. */
  readonly status: number
  /** Describes the problem, for people. Never repeats what the client sent. */
  readonly detail: string
  /** Identifies the problem, for programs. */
  readonly code: ProblemCode
  /** The wrong fields, for `INVALID_FIELD`. */
  readonly errors?: readonly FieldProblem[]
  /** The task's final state, for `ALREADY_FINISHED`. */
  readonly state?: TaskState
  /** Milliseconds after which to try again, for temporary refusals. */
  readonly retryAfterMs?: number
}

/** The members of a problem that its code does not determine. */
export interface ProblemDetails extends Partial<Pick<Problem, 'detail' | 'errors' | 'state' | 'retryAfterMs'>> {}

/** A problem, and the headers and connection state of its reply. */
export interface Refusal {
  readonly problem: Problem
  readonly headers?: Readonly<Record<string, string>>
  readonly close?: boolean
}

/** The problem document of a code. */
export function problemOf(code: ProblemCode, details: ProblemDetails = {}): Problem {
  const [status, title, detail] = PROBLEMS[code]
  return { type: 'about:blank', title, status, detail, code, ...details }
}

/** The default reply to a refusal. */
export function refusalReply(refusal: Refusal): HttpReply {
  return replyWith(refusal.problem.status, {
    body: refusal.problem,
    contentType: 'application/problem+json',
    headers: refusal.headers,
    close: refusal.close
  })
}

/**
 * The reply to a problem, for the application's own routes.
 *
 * @param code - determines status and title
 * @param details - `detail` replaces the default text. Never put values from a request into it
 *
 * @example
 * ```ts
 * import { problem } from 'coatcheck/http'
 *
 * export const nothingHere = () => problem('NOT_FOUND')
 * ```
 *
 * @see RFC 9457
 */
export function problem(code: ProblemCode, details: ProblemDetails = {}): HttpReply {
  return refusalReply({ problem: problemOf(code, details), close: CLOSING.has(code) })
}

/** Close the connection: the rest of the request is not read. */
const CLOSING: ReadonlySet<ProblemCode> = new Set(['BODY_TOO_LARGE', 'POOL_STOPPED'])
