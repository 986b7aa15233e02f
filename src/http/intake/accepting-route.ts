import type { Task } from '../../contract/task-contract.js'
import type { AcceptedTask } from '../tickets/ticket-pool.js'
import type { TicketStatus } from '../tickets/ticket-status.js'
import type { OwnBody } from '../wire/own-body.js'
import type { Problem } from '../wire/problems.js'
import type { OwnedRequest } from '../wire/request.js'
import type { JsonObject } from './json-object.js'
import type { StandardSchema } from './standard-schema.js'

/** What `submit` receives: the output of the route's schema; without one, or where its type is unknown, the JSON object. */
export type BodyInput<Schema> =
  Schema extends StandardSchema<infer Output> ? (unknown extends Output ? JsonObject : Output) : JsonObject

/**
 * A route that turns a JSON body into a task.
 *
 * @typeParam Schema - the type of `body`, for a route that is declared on its own: `AcceptingRoute<typeof schema>`
 */
export interface AcceptingRoute<Schema = undefined> {
  /** The exact path below the base path: `/tasks`, `/reports`. It contains no patterns. */
  readonly path: string

  /**
   * The schema of the body, of any library that implements Standard Schema. `submit` is called with its output, and only
   * for a body without issues. Else the client gets 400 `INVALID_FIELD` with the first 20 issues as `errors`, and nothing is
   * queued. May be async. What it throws is a 500, and goes to `onError`.
   *
   * A detail is the schema's message without the client's values: what zod, valibot and arktype quote is cut off, and a
   * message that repeats a string or number of the body all the same (of four characters or more, or eight of its characters
   * in a row) becomes "is not valid". Names of members are not values. Not called for a repeated submission (`Idempotency-Key`).
   *
   * @defaultValue none: `submit` checks the body
   *
   * @example
   * ```ts
   * import { WorkerPool } from 'coatcheck'
   * import { ticketRoutes } from 'coatcheck/http'
   * import * as z from 'zod'
   *
   * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 })
   * const body = z.object({ name: z.string(), width: z.number().positive() })
   *
   * export const tickets = ticketRoutes(pool, {
   *   accept: [{ path: '/tasks', body, submit: ({ name, width }) => pool.queueTask(async () => `${name}: ${width}`) }]
   * })
   * ```
   *
   * @see https://standardschema.dev
   */
  readonly body?: (Schema extends StandardSchema ? Schema : StandardSchema) | undefined

  /**
   * Queues the task. Called with a parsed body, while the pool accepts tasks and the client is connected. An error
   * becomes the reply: {@link invalidField} 400, a full queue 503, an unknown error 500.
   *
   * Queue as the last step and return the task. A task that is not returned, or that was queued before an error is
   * thrown, runs without a ticket, although its client reads that nothing was queued.
   *
   * @param input - the output of the schema; without one the body: look fields up with `Object.hasOwn`
   * @param request - its `signal` aborts when the client leaves: pass it to work that must not outlive the wait for room.
   *   Use its `owner` as the task's `key`: a 429 then means that the owner's own share is full
   */
  readonly submit: (
    input: BodyInput<Schema>,
    request: OwnedRequest
  ) => Task | AcceptedTask | PromiseLike<Task | AcceptedTask>

  /**
   * The body of the 202. Without the status document in it the 202 has no `Content-Location` and no `ETag`. Synchronous.
   * On an error, and when the body cannot be sent, the default is sent and the error goes to `onError`: the task is
   * queued by then. Also called for a repeated submission (`Idempotency-Key`); if its ticket is forgotten by then, `task` has
   * its last record without the result, and `result()` rejects.
   *
   * @defaultValue the status document
   */
  readonly accepted?: ((task: Task, status: TicketStatus) => OwnBody) | undefined

  /**
   * The body of a refusal. Synchronous; the default replaces it on an error, as with `accepted`.
   *
   * @defaultValue the problem document
   */
  readonly refused?: ((problem: Problem) => OwnBody) | undefined
}

/** A route whose options were checked. What `submit` receives is what `body` returns, or the parsed body. */
export interface CheckedRoute extends Pick<AcceptingRoute, 'path' | 'accepted' | 'refused'> {
  readonly body: StandardSchema | undefined
  readonly submit: (input: unknown, request: OwnedRequest) => ReturnType<AcceptingRoute['submit']>
}
