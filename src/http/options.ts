import type { TaskRecord } from '../contract/task-record.js'
import type { RouteClock } from './holding/followers.js'
import type { HoldLimits } from './holding/held-requests.js'
import type { AcceptingRoute } from './intake/accepting-route.js'
import type { DescribeError } from './tickets/task-failure.js'
import type { HttpRequest, OwnedRequest } from './wire/request.js'

/**
 * The options of {@link ticketRoutes}.
 *
 * @typeParam Schemas - the types of the routes' schemas, inferred
 */
export interface TicketRoutesOptions<Schemas extends readonly unknown[] = readonly undefined[]> {
  /**
   * The routes that accept work.
   *
   * @defaultValue none: the application's own routes use `accepted` and `refused`
   */
  readonly accept?: { readonly [Route in keyof Schemas]: AcceptingRoute<Schemas[Route]> } | undefined

  /**
   * A prefix of every path, without a slash at its end: `/api`.
   *
   * @defaultValue none
   */
  readonly basePath?: string | undefined

  /**
   * The path of the tickets, below the base path and without a slash at its end. With `/reports` a ticket is at
   * `/reports/<ticket>`, its stream at `/reports/<ticket>/events`, and the list at `/reports`. An accepting route may have
   * this path, but none below it. Not `/livez` or `/readyz`.
   *
   * @defaultValue `/tasks`
   */
  readonly ticketPath?: string | undefined

  /**
   * Scheme and host of the URLs in headers and links: `https://example.org`. Never taken from a request, whose client can
   * choose any `Host`.
   *
   * @defaultValue none: URLs are paths
   */
  readonly publicUrl?: string | undefined

  /**
   * When clients are asked to poll again a ticket that is not done, in milliseconds: finite, above 0. `Retry-After` is
   * rounded up to seconds.
   *
   * @defaultValue 1,000
   */
  readonly pollAfterMs?: number | undefined

  /**
   * The largest body, in bytes. An integer from 1.
   *
   * @defaultValue 65,536
   */
  readonly maxBodyBytes?: number | undefined

  /**
   * How long an `Idempotency-Key` is remembered after its task was accepted, in milliseconds from 0; in any case until its
   * task has settled. During that time a repeated submission queues no second task, also after the pool has forgotten the
   * ticket: the answer then has the task's last status without the result.
   *
   * @defaultValue 86,400,000 (24 hours)
   */
  readonly idempotencyMs?: number | undefined

  /**
   * How many `Idempotency-Key`s are remembered. An integer from 1. Beyond that one is forgotten before its time, and may then
   * queue a second task: the key whose task settled first; without a settled one the oldest. This is counted in
   * `stats().idempotencyKeys.forgottenEarly`, and reported to `onError` the first time.
   *
   * A key takes about 850 bytes once its task has settled, plus the metadata of the task and the text of its error and its
   * progress. Until then, and about 0.2 seconds longer, it also retains the task with its result.
   *
   * @defaultValue 10,000
   */
  readonly maxIdempotencyKeys?: number | undefined

  /**
   * The name of a request's owner, at most 256 characters; `undefined` when it is unknown. May be async. Use it as the
   * task's `key`: `submit: (input, { owner }) => pool.queueTask('resize', input, { key: owner })`. An error becomes the
   * reply, as with `submit`.
   *
   * @defaultValue no request has an owner
   */
  readonly owner?: ((request: HttpRequest) => string | undefined | PromiseLike<string | undefined>) | undefined

  /**
   * Whether a client may see and cancel a ticket: only `true` permits it. May be async. A denial gets the 404 of an unknown
   * ticket, and so does an error, which goes to `onError`. For a repeated submission (`Idempotency-Key`) a denial is the 422
   * of a key that was sent with another body. Required where clients can guess the ids that you choose. Enables
   * `GET /tasks`, the list of the tickets that it permits.
   *
   * @param request - its `owner` is the result of the `owner` hook
   * @param record - the task's current record; its `key` is the task's owner
   * @defaultValue any client may use a ticket that it has, and there is no list
   */
  readonly authorize?: ((request: OwnedRequest, record: TaskRecord) => boolean | PromiseLike<boolean>) | undefined

  /**
   * How many requests with `Prefer: wait` may be held at the same time. Beyond that they are answered at once.
   *
   * @defaultValue 20 per ticket, 50 per owner, 500 in total
   */
  readonly longPolls?: HoldLimits | undefined

  /**
   * How many event streams may be open at the same time. Beyond that a stream sends the current status and asks the client
   * to reconnect later.
   *
   * @defaultValue 20 per ticket, 50 per owner, 500 in total
   */
  readonly streams?: HoldLimits | undefined

  /**
   * The code and message of a failure that clients may read. Synchronous. On an error the default applies, and the error
   * goes to `onError`. Called for each reply, and once without a request for a task with an `Idempotency-Key`, whose answer
   * is kept with the key.
   *
   * @defaultValue the code; the message only for errors of this library and errors whose `expose` is `true`
   */
  readonly describeError?: DescribeError | undefined

  /**
   * Whether the server is closing: then `/readyz` answers 503 and every reply closes its connection, while all routes still
   * work. A pool that is stopping or stopped implies it.
   *
   * @defaultValue never
   */
  readonly closing?: (() => boolean) | undefined

  /**
   * Receives the errors that clients may not read: unknown errors of `submit`, errors of the other functions here, and the
   * first `Idempotency-Key` that was forgotten before its time. May be async. Its own errors are dropped.
   *
   * @defaultValue one line of `console.error`
   */
  readonly onError?: ((error: unknown, request: HttpRequest | undefined) => void) | undefined

  /**
   * Returns a number from 0 up to, and not including, 1, for the jitter of `Retry-After`.
   *
   * @defaultValue a sequence that spreads evenly
   */
  readonly random?: (() => number) | undefined

  /**
   * The clock of held requests and idempotency keys. Replace it only in tests.
   *
   * @defaultValue the system's
   */
  readonly clock?: RouteClock | undefined
}
