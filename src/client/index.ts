/**
 * Submits work and follows its ticket, in browsers and servers.
 *
 * @module coatcheck/client
 */
export type { ClientClock, ClientTimer } from './clock.js'
export {
  ClientError,
  type ClientErrorCode,
  type FieldProblem,
  isClientError,
  type Refusal,
  RequestRefusedError,
  ResultOmittedError,
  ServerUnavailableError,
  ServerUnreachableError,
  TaskCanceledError,
  TaskFailedError,
  TicketNotFoundError,
  UnexpectedAnswerError
} from './errors.js'
export type { Fetch } from './exchange.js'
export type { AttemptOptions, OnAbort, PollOptions, SubmitOptions } from './options.js'
export { poll, submit } from './submit.js'
export type { TicketError, TicketStatus } from './ticket-status.js'
