import type { ClientClock } from './clock.js'
import { retryAfterOf } from './retry-after.js'
import { untilAborted } from './until-aborted.js'

/**
 * Sends a request: the platform's `fetch`, or a wrapper that adds something to each request.
 *
 * @param url - absolute
 */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** A complete answer. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The `Retry-After` in milliseconds, if the answer has one. */
  readonly retryAfterMs: number | undefined
}

/** No complete answer arrived; whether the request did is unknown. */
export interface Lost {
  readonly lost: unknown
}

/** One request. */
export interface Exchange {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Longest time until the complete answer, in milliseconds. */
  readonly limitMs: number
}

/** The parts that requests use. */
export interface ExchangeParts {
  readonly fetch: Fetch
  readonly clock: ClientClock
}

/**
 * Sends one request and reads its complete answer.
 *
 * @throws the signal's reason as soon as it aborts
 */
export async function exchange(
  request: Exchange,
  { fetch, clock }: ExchangeParts,
  signal: AbortSignal
): Promise<Answer | Lost> {
  signal.throwIfAborted()
  const { method, url, body, limitMs } = request
  const cut = new AbortController()
  const leave = (): void => cut.abort(signal.reason)
  const limit = clock.timer(() => cut.abort(new Error(`No answer came within ${limitMs} ms.`)))
  const send = async (): Promise<Answer> => {
    const response = await fetch(url, {
      method,
      headers: request.headers,
      ...(body === undefined ? {} : { body }),
      redirect: 'manual', // it may lead to another origin, and would turn a POST into a GET
      keepalive: method === 'DELETE', // it must be sent even while its page closes
      signal: cut.signal
    })
    const { status, headers } = response
    return { status, headers, text: await response.text(), retryAfterMs: retryAfterOf(headers, () => clock.date()) }
  }
  signal.addEventListener('abort', leave)
  limit.set(limitMs)
  try {
    return await untilAborted(send(), cut.signal)
  } catch (error) {
    signal.throwIfAborted()
    return { lost: error }
  } finally {
    limit.clear()
    signal.removeEventListener('abort', leave)
  }
}
