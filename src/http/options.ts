import type { Task } from '../contract/task-contract.js'
import type { TaskRecord } from '../contract/task-record.js'
import type { Clock } from '../ports/clock.js'
import type { HoldLimits } from './holding/hold-limits.js'
import type { JsonObject } from './intake/json-object.js'
import type { DescribeError } from './tickets/task-failure.js'
import type { TicketStatus } from './tickets/ticket-status.js'
import type { OwnBody } from './wire/own-body.js'
import type { Problem } from './wire/problems.js'
import type { HttpRequest, OwnedRequest } from './wire/request.js'

/** A route that turns a JSON body into a task. */
export interface AcceptingRoute {
  /** The exact path, under the base path: `/tasks`, `/reports`. Nothing in it is a pattern. */
  readonly path: string

  /**
   * Queues the task. Called with a body that was read and parsed, while the pool still takes work and the client is
   * still there. What it throws becomes the reply: {@link invalidField} 400, a full queue 503, anything unknown 500.
   *
   * Queue as the last step and return the task. What is queued and not returned, or queued before something else throws,
   * runs without a ticket: its client is told that nothing was queued.
   *
   * @param input - what the client sent; look fields up with `Object.hasOwn`
   * @param request - its `signal` aborts when the client leaves: for work that must not outlive the wait for room; its
   *   `owner` is meant to be the task's `key`, so that a 429 says that the owner's own share is full
   */
  readonly submit: (input: JsonObject, request: OwnedRequest) => Task | PromiseLike<Task>

  /**
   * Another body for the 202. It is then no longer the status document, so `Content-Location` and `ETag` are left out.
   * Answers at once, not with a promise. When no reply can be made of what it says, `onError` is told and the usual one
   * is sent: the task is queued by then.
   *
   * @defaultValue the status document
   */
  readonly accepted?: ((task: Task, status: TicketStatus) => OwnBody) | undefined

  /**
   * Another body for a POST that was refused. As with `accepted`, the usual one takes its place when it fails.
   *
   * @defaultValue the problem document
   */
  readonly refused?: ((problem: Problem) => OwnBody) | undefined
}

/** What these routes need of a clock: the time, and timers. */
export type RouteClock = Pick<Clock, 'now' | 'timer'>

/** How the ticket looks over HTTP. */
export interface TicketRoutesOptions {
  /**
   * The routes that take work.
   *
   * @defaultValue none: the application has its own, with `accepted` and `refused`
   */
  readonly accept?: readonly AcceptingRoute[] | undefined

  /**
   * What stands before every path, without a slash at its end: `/api`.
   *
   * @defaultValue nothing
   */
  readonly basePath?: string | undefined

  /**
   * Scheme and host that clients use, for URLs in headers and links: `https://example.org`. Never taken from a request,
   * whose `Host` anybody can write.
   *
   * @defaultValue none: URLs are paths
   */
  readonly publicUrl?: string | undefined

  /**
   * How soon clients are asked to come back for a ticket that is not done, in milliseconds: finite, above 0. Clients are
   * told in the body; in `Retry-After` rounded up to seconds.
   *
   * @defaultValue 1,000
   */
  readonly pollAfterMs?: number | undefined

  /**
   * Bytes a body may have. An integer from 1.
   *
   * @defaultValue 65,536
   */
  readonly maxBodyBytes?: number | undefined

  /**
   * Submissions with an `Idempotency-Key` that are remembered, each as long as its ticket, the oldest forgotten first. An
   * integer from 1. Takes some 300 bytes for each.
   *
   * @defaultValue 10,000
   */
  readonly maxIdempotencyKeys?: number | undefined

  /**
   * Who sent a request, by a name of at most 256 characters; `undefined` when nobody is known. May be async. Give it to
   * the task as its `key`, as in `submit: (input, { owner }) => pool.queueTask('resize', input, { key: owner })`. What it
   * throws or rejects with becomes the reply, as with `submit`.
   *
   * @defaultValue nobody is known
   */
  readonly owner?: ((request: HttpRequest) => string | undefined | PromiseLike<string | undefined>) | undefined

  /**
   * Whether a client may be told of a ticket, and cancel it: only `true` is yes. May be async. A no is answered as if there
   * were no such ticket, and so is an error, which goes to `onError`. Needed where others can guess the ids you choose.
   * With it there is a list of tickets, `GET /tasks`, of those it allows.
   *
   * @param request - its `owner` is what the `owner` hook said
   * @param record - the task's present record; its `key` is whose task it is
   * @defaultValue who has a ticket may use it, and nobody may have a list
   */
  readonly authorize?: ((request: OwnedRequest, record: TaskRecord) => boolean | PromiseLike<boolean>) | undefined

  /**
   * How many requests for a ticket may wait for news at a time (`Prefer: wait`). One too many is answered at once.
   *
   * @defaultValue 20 for a ticket, 50 for an owner, 500 in total
   */
  readonly longPolls?: HoldLimits | undefined

  /**
   * How many streams of events may be open at a time. One too many gets the present status and is asked to come back.
   *
   * @defaultValue 20 for a ticket, 50 for an owner, 500 in total
   */
  readonly streams?: HoldLimits | undefined

  /**
   * What a client may know of a failure, at once, not as a promise. What it throws goes to `onError`.
   *
   * @defaultValue the code; the message only of this library's errors and of those whose `expose` is `true`
   */
  readonly describeError?: DescribeError | undefined

  /**
   * Whether the server is about to end: from then on `/readyz` says no and every reply asks its connection to end, while
   * everything is still served. The pool's own stop implies it.
   *
   * @defaultValue never
   */
  readonly closing?: (() => boolean) | undefined

  /**
   * Where errors go that the client is not told: what `submit` threw, what a hook threw or rejected with. May be async;
   * what goes wrong in it is dropped.
   *
   * @defaultValue one line of `console.error`
   */
  readonly onError?: ((error: unknown, request: HttpRequest | undefined) => void) | undefined

  /**
   * A number from 0 up to, not including, 1: the jitter of `Retry-After`.
   *
   * @defaultValue a sequence that spreads evenly
   */
  readonly random?: (() => number) | undefined

  /**
   * The clock of everything that waits here. Give your own only to test.
   *
   * @defaultValue the system's
   */
  readonly clock?: RouteClock | undefined
}
