export type { HoldLimits } from './hold-limits.js'
export type { JsonObject } from './json-object.js'
export type { AcceptingRoute, RouteClock, TicketRoutesOptions } from './options.js'
export type { OwnBody } from './own-body.js'
export {
  type FieldProblem,
  type Problem,
  type ProblemCode,
  type ProblemDetails,
  problem
} from './problems.js'
export { type HttpReply, type ReplyParts, replyWith } from './reply.js'
export type { HttpHeaders, HttpRequest, OwnedRequest } from './request.js'
export { invalidField, RequestError } from './request-error.js'
export type { DescribeError, TicketError } from './task-failure.js'
export type { TaskQuery, TicketPool } from './ticket-pool.js'
export { type TicketRoutes, ticketRoutes } from './ticket-routes.js'
export type { TicketStatus } from './ticket-status.js'
