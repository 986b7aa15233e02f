/**
 * Tickets over HTTP, for any server.
 *
 * @module coatcheck/http
 */

// wire/       HTTP itself: requests, replies, header fields, errors as problem documents
// tickets/    which tickets a client may see, and their status documents
// holding/    requests that stay open: long polls and event streams
// intake/     from the body of a POST to a queued task, once per idempotency key
// resources/  the handlers, one file per path; ticket-routes.ts puts them together
export type { RouteClock } from './holding/followers.js'
export type { HoldLimits } from './holding/held-requests.js'
export type { AcceptingRoute, BodyInput } from './intake/accepting-route.js'
export type { JsonObject } from './intake/json-object.js'
export type { IdempotencyKeyStats } from './intake/key-memory.js'
export type { SchemaIssue, SchemaResult, StandardSchema } from './intake/standard-schema.js'
export type { TicketRoutesOptions } from './options.js'
export { type TicketRoutes, type TicketRoutesStats, ticketRoutes } from './ticket-routes.js'
export { mirrorReader } from './tickets/mirror-reader.js'
export type { DescribeError, TicketError } from './tickets/task-failure.js'
export type { TaskQuery, TicketPool } from './tickets/ticket-pool.js'
export type { TicketStatus } from './tickets/ticket-status.js'
export type { OwnBody } from './wire/own-body.js'
export {
  type FieldProblem,
  type Problem,
  type ProblemCode,
  type ProblemDetails,
  problem
} from './wire/problems.js'
export { isRefusal } from './wire/refusals.js'
export { type HttpReply, type ReplyParts, replyWith } from './wire/reply.js'
export type { HttpHeaders, HttpRequest, OnceOptions, OwnedRequest } from './wire/request.js'
export { invalidField, RequestError } from './wire/request-error.js'
