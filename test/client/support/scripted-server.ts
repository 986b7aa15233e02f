import type { Fetch } from 'coatcheck/client'
import { microtasks } from '../../support/manual-clock.js'

/** Waits for everything that needs no time: the platform reads a body in a few turns of the event loop. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await microtasks()
}

/** A request that waits for its answer. */
export interface ReceivedRequest {
  /** Method and path, such as `GET /tasks/a`; the whole URL where it is not on the usual origin. */
  readonly line: string
  readonly headers: Headers
  readonly body: unknown
  readonly init: RequestInit
  /** Answers; a body that is not text is sent as JSON. */
  readonly answer: (status: number, headers?: Readonly<Record<string, string>>, body?: unknown) => void
  readonly give: (response: Response) => void
  /** Breaks the connection. */
  readonly drop: (error?: unknown) => void
}

export const ORIGIN = 'http://server.test'

/** A server without a network: each request waits until the test answers it. */
export class ScriptedServer {
  readonly #waiting: ReceivedRequest[] = []

  /** The client's `fetch`. Rejects with the signal's reason, like the platform's. */
  readonly fetch: Fetch = (url, init) =>
    new Promise((resolve, reject) => {
      this.#waiting.push({
        line: `${init.method} ${url.startsWith(ORIGIN) ? url.slice(ORIGIN.length) : url}`,
        headers: new Headers(init.headers),
        body: init.body,
        init,
        answer: (status, headers = {}, body = null) => {
          const text = typeof body === 'string' || body === null ? body : JSON.stringify(body)
          resolve(new Response(text, { status, headers }))
        },
        give: resolve,
        drop: (error = new TypeError('fetch failed')) => reject(error)
      })
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason))
    })

  /** The lines of the requests that were not taken yet, after everything that needs no time. */
  async waiting(): Promise<readonly string[]> {
    await quiet()
    return this.#waiting.map(({ line }) => line)
  }

  /** Takes the next request; fails when there is none without time passing, or when it is not this one. */
  async next(line: string): Promise<ReceivedRequest> {
    await quiet()
    const sent = this.#waiting.shift()
    if (sent?.line !== line) throw new Error(`expected ${line}, but ${sent?.line ?? 'nothing'} was sent`)
    return sent
  }
}

/** A status as servers send it. */
export const status = (fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  id: 'a',
  name: 'resize',
  status: 'queued',
  done: false,
  revision: 1,
  position: 1,
  progress: null,
  cancelRequested: false,
  reason: null,
  attempt: 0,
  queuedAt: '2030-01-01T00:00:00.000Z',
  startedAt: null,
  settledAt: null,
  expiresAt: null,
  pollAfterMs: 1_000,
  result: null,
  error: null,
  resultOmitted: null,
  links: { self: '/tasks/a', events: null },
  ...fields
})

/** The status of a task with this result. */
export const succeeded = (result: unknown): Record<string, unknown> =>
  status({ status: 'succeeded', done: true, revision: 3, pollAfterMs: null, attempt: 1, result })

/** The header fields of a 202. */
export const TICKET = { Location: '/tasks/a', 'Retry-After': '1', ETag: 'W/"1"', 'Content-Type': 'application/json' }
