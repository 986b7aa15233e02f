import { read } from '../../contract/task-record.js'
import { type FieldProblem, type Problem, type ProblemCode, problemOf } from './problems.js'

const BRAND = Symbol.for('coatcheck.RequestError')

/** An error in a request. Thrown by `submit` or `owner`, it becomes the reply. */
export class RequestError extends Error {
  static {
    // Not by assignment, which fails where `Error.prototype` is frozen.
    Object.defineProperty(this.prototype, 'name', { value: 'RequestError', writable: true, configurable: true })
  }
  /** The problem document that is sent to the client. */
  readonly problem: Problem
  /** Whether the connection closes after the reply. */
  readonly close: boolean

  /**
   * @param refusal - the problem, and whether the connection closes after the reply
   * @param options - `cause`: the underlying error
   */
  constructor(refusal: { readonly problem: Problem; readonly close?: boolean }, options?: ErrorOptions) {
    super(refusal.problem.detail, options)
    this.problem = refusal.problem
    this.close = refusal.close ?? false
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** Whether a value is a {@link RequestError}, of any copy of the package. Never throws. */
export function isRequestError(value: unknown): value is RequestError {
  return typeof value === 'object' && read(value, BRAND) === true
}

/**
 * The error to throw from `submit` when a field of the body is wrong. The client gets 400 `INVALID_FIELD` with the pointer
 * and the detail; nothing is queued.
 *
 * @param pointer - the field, as a JSON pointer: `/width`, `/pages/0`; the empty string is the whole body
 * @param detail - what the field must be. Never repeat its value, which may be long, secret or hostile
 * @throws TypeError when `pointer` is not a JSON pointer or `detail` is not a string
 *
 * @example
 * ```ts
 * import { invalidField, type JsonObject } from 'coatcheck/http'
 *
 * export function widthOf(input: JsonObject): number {
 *   const width = Object.hasOwn(input, 'width') ? input['width'] : undefined
 *   if (typeof width !== 'number' || !(width > 0)) throw invalidField('/width', 'must be a number above 0')
 *   return width
 * }
 * ```
 *
 * @see RFC 6901 for pointers
 */
export function invalidField(pointer: string, detail: string): RequestError
/**
 * The error for several wrong fields, in the order in which the client gets them.
 *
 * @param fields - at least one
 */
export function invalidField(fields: readonly FieldProblem[]): RequestError
export function invalidField(first: string | readonly FieldProblem[], detail?: string): RequestError {
  const fields = Array.isArray(first) ? (first as readonly FieldProblem[]) : [{ pointer: first, detail }]
  if (fields.length === 0) throw new TypeError('Expected at least one wrong field')
  return new RequestError({ problem: problemOf('INVALID_FIELD', { errors: fields.map(checkField) }) })
}

function checkField({ pointer, detail }: { readonly pointer: unknown; readonly detail: unknown }): FieldProblem {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/'))) {
    throw new TypeError('Expected `pointer` to be a JSON pointer: empty, or a path that begins with "/"')
  }
  if (typeof detail !== 'string') throw new TypeError(`Expected \`detail\` to be a string, got ${typeof detail}`)
  return { pointer, detail }
}

/** A {@link RequestError} about the request as a whole. */
export function requestError(
  code: ProblemCode,
  detail?: string,
  options: { readonly close?: boolean; readonly cause?: unknown } = {}
): RequestError {
  const problem = detail === undefined ? problemOf(code) : problemOf(code, { detail })
  return new RequestError({ problem, close: options.close ?? false }, { cause: options.cause })
}
