import type { ClientClock } from './clock.js'
import { retryAfterOf } from './retry-after.js'
import { untilAborted } from './until-aborted.js'

/**
 * What sends a request: the platform's `fetch`, or a function around it, for what is to be added to each request.
 *
 * @param url - absolute
 */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** A whole answer. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** In how many milliseconds the server wants to be asked again; `undefined` when it does not say. */
  readonly retryAfterMs: number | undefined
}

/** No whole answer came. Whether the request arrived is unknown. */
export interface Lost {
  readonly lost: unknown
}

/** One request. */
export interface Exchange {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Longest time until the whole answer is here, in milliseconds. */
  readonly limitMs: number
}

/** With what requests are made. */
export interface Line {
  readonly fetch: Fetch
  readonly clock: ClientClock
}

/**
 * Sends one request and reads its answer to the end.
 *
 * @throws the signal's reason as soon as it aborts
 */
export async function exchange(request: Exchange, { fetch, clock }: Line, signal: AbortSignal): Promise<Answer | Lost> {
  signal.throwIfAborted()
  const { method, url, body, limitMs } = request
  const cut = new AbortController()
  const leave = (): void => cut.abort(signal.reason)
  const limit = clock.timer(() => cut.abort(new Error(`No answer came within ${limitMs} ms.`)))
  const ask = async (): Promise<Answer> => {
    const response = await fetch(url, {
      method,
      headers: request.headers,
      ...(body === undefined ? {} : { body }),
      redirect: 'manual', // it might lead to another origin, and a POST would come out as a GET
      keepalive: method === 'DELETE', // it must get through although the page that sent it is closed
      signal: cut.signal
    })
    const { status, headers } = response
    return { status, headers, text: await response.text(), retryAfterMs: retryAfterOf(headers, () => clock.date()) }
  }
  signal.addEventListener('abort', leave)
  limit.set(limitMs)
  try {
    return await untilAborted(ask(), cut.signal)
  } catch (error) {
    signal.throwIfAborted()
    return { lost: error }
  } finally {
    limit.clear()
    signal.removeEventListener('abort', leave)
  }
}
