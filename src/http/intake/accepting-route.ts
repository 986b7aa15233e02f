import type { Task } from '../../contract/task-contract.js'
import type { TicketStatus } from '../tickets/ticket-status.js'
import type { OwnBody } from '../wire/own-body.js'
import type { Problem } from '../wire/problems.js'
import type { OwnedRequest } from '../wire/request.js'
import type { JsonObject } from './json-object.js'

/** A route that turns a JSON body into a task. */
export interface AcceptingRoute {
  /** The exact path below the base path: `/tasks`, `/reports`. It contains no patterns. */
  readonly path: string

  /**
   * Queues the task. Called with a parsed body, while the pool accepts tasks and the client is connected. An error
   * becomes the reply: {@link invalidField} 400, a full queue 503, an unknown error 500.
   *
   * Queue as the last step and return the task. A task that is not returned, or that was queued before an error is
   * thrown, runs without a ticket, although its client reads that nothing was queued.
   *
   * @param input - the body; look fields up with `Object.hasOwn`
   * @param request - its `signal` aborts when the client leaves: pass it to work that must not outlive the wait for room.
   *   Use its `owner` as the task's `key`: a 429 then means that the owner's own share is full
   */
  readonly submit: (input: JsonObject, request: OwnedRequest) => Task | PromiseLike<Task>

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
