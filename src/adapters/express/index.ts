/**
 * The adapter for Express 4 and 5.
 *
 * @module coatcheck/express
 */
export { expressErrors } from './express-errors.js'
export { expressTickets } from './express-tickets.js'
export type { ExpressNext, ExpressRequest } from './express-types.js'
