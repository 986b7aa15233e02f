import type { NodeRequest } from '../node-http/index.js'

/** What is needed of a request of Express 4 or 5. */
export interface ExpressRequest extends NodeRequest {
  /** The request target before Express cut a mount path from it. */
  readonly originalUrl: string
  /** What an earlier body parser made of the body. */
  readonly body?: unknown
}

/** Goes on to the next middleware, or with an error to the next error handler. */
export type ExpressNext = (error?: unknown) => void
