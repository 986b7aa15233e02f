import type { HttpHeaders } from '../../http/index.js'
import type { Incoming, Outgoing } from '../left-signal.js'

/** What a Fetch server on Node gives its handler besides the request. Others have no such thing. */
export interface NodeBindings {
  readonly incoming: Incoming & {
    readonly url?: string
    readonly headers: HttpHeaders
    readonly httpVersionMajor: number
  }
  readonly outgoing: Outgoing & {
    destroy(): unknown
  }
}

/** Node's own request and response, as `@hono/node-server` gives them in the second argument. */
export function nodeBindings(platform: unknown): NodeBindings | undefined {
  if (typeof platform !== 'object' || platform === null) return undefined
  const { incoming, outgoing } = platform as Partial<NodeBindings>
  return typeof incoming?.socket?.once === 'function' && typeof outgoing?.once === 'function'
    ? { incoming, outgoing }
    : undefined
}
