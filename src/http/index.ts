export type { HoldLimits } from './holding/hold-limits.js'
export type { JsonObject } from './intake/json-object.js'
export type { AcceptingRoute, RouteClock, TicketRoutesOptions } from './options.js'
export { type TicketRoutes, ticketRoutes } from './ticket-routes.js'
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
export { isRefusal } from './wire/refusal.js'
export { type HttpReply, type ReplyParts, replyWith } from './wire/reply.js'
export type { HttpHeaders, HttpRequest, OwnedRequest } from './wire/request.js'
export { invalidField, RequestError } from './wire/request-error.js'
