import { abortSignal, callable, duration, integer, oneOf, optionsOf, wording } from '../contract/checks.js'
import type { ClientClock } from './clock.js'
import type { Fetch } from './exchange.js'
import type { TicketStatus } from './ticket-status.js'
import { parseUrl } from './ticket-url.js'
import { webClock } from './web-clock.js'

/** What happens to the task when the call ends early: `'cancel'` cancels it, `'leave'` lets it run. */
export type OnAbort = 'cancel' | 'leave'

/** How requests are retried that were refused temporarily or got no answer. */
export interface AttemptOptions {
  /**
   * The maximum number of attempts for one request, the first included. An integer from 1. Each successful answer restarts
   * the count.
   *
   * @defaultValue 8
   */
  readonly attempts?: number | undefined

  /**
   * The ceiling of the pause after the first failure, in milliseconds. It doubles with each further failure, up to 30
   * seconds. The pause is a random number between 0 and the ceiling, in addition to `Retry-After`.
   *
   * @defaultValue 500
   */
  readonly backoffMs?: number | undefined
}

/** How a ticket is followed. */
export interface PollOptions {
  /**
   * Ends the call: it rejects with the signal's reason at once.
   *
   * @defaultValue none
   */
  readonly signal?: AbortSignal | undefined

  /**
   * Called with each changed status, the last one included. May be async: the next poll waits for it. An error in it ends
   * the call like an abort.
   *
   * @defaultValue none
   */
  readonly onProgress?: ((status: TicketStatus) => unknown) | undefined

  /**
   * What happens to the task when the call ends early, by `signal` or an error in `onProgress` or `onAccepted`: `'cancel'`
   * sends a DELETE in the background, with the attempts of `retry`; `'leave'` lets it run.
   *
   * @defaultValue `'cancel'` for `submit`, `'leave'` for `poll`
   */
  readonly onAbort?: OnAbort | undefined

  /**
   * Header fields of every request: `{ Authorization: 'Bearer …' }`. For values that change between requests use a `fetch`
   * that adds them.
   *
   * @defaultValue none
   */
  readonly headers?: Readonly<Record<string, string>> | undefined

  /**
   * Origins that may have the ticket besides that of the given URL: `['https://tickets.example.org']`. `headers` are sent to
   * them too.
   *
   * @defaultValue none
   */
  readonly trustedOrigins?: readonly string[] | undefined

  /**
   * How long the server is asked to hold a poll until the status changes, in milliseconds, rounded down to seconds. Below
   * 1,000 polls are not held, and all of them follow `Retry-After`.
   *
   * @defaultValue 25,000, the maximum of `coatcheck/http`
   */
  readonly longPollMs?: number | undefined

  /**
   * The longest time for one request and its complete answer, in milliseconds, in addition to the time for which the server
   * was asked to hold it. After that the request counts as unanswered.
   *
   * @defaultValue 30,000
   */
  readonly requestTimeoutMs?: number | undefined

  /**
   * The longest `Retry-After` of a refusal that is followed, in milliseconds. With a longer one the call rejects at once.
   *
   * @defaultValue 120,000
   */
  readonly maxRetryAfterMs?: number | undefined

  /** How requests are retried. */
  readonly retry?: AttemptOptions | undefined

  /**
   * Sends the requests.
   *
   * @defaultValue the platform's `fetch`
   */
  readonly fetch?: Fetch | undefined

  /**
   * Time, timers and random numbers, for tests.
   *
   * @defaultValue the platform's
   */
  readonly clock?: ClientClock | undefined
}

/** How work is submitted and its ticket followed. */
export interface SubmitOptions extends PollOptions {
  /**
   * Identifies the submission: the server queues one task for all requests with this key. 1 to 255 printable ASCII
   * characters without spaces. Provide your own where the same work may be submitted again, for instance after a reload.
   *
   * @defaultValue 128 random bits, the same in all attempts of one call
   */
  readonly idempotencyKey?: string | undefined

  /**
   * Called with the ticket's absolute URL once it is known, for a later `poll`. May be async; an error in it ends the call,
   * as with `onProgress`.
   *
   * @defaultValue none
   */
  readonly onAccepted?: ((ticketUrl: string) => unknown) | undefined
}

/** The options with defaults applied. */
export interface Settings {
  readonly signal: AbortSignal | undefined
  readonly onProgress: (status: TicketStatus) => unknown
  readonly onAccepted: (ticketUrl: string) => unknown
  readonly onAbort: OnAbort
  readonly headers: Readonly<Record<string, string>>
  readonly trustedOrigins: readonly string[]
  readonly longPollMs: number
  readonly requestTimeoutMs: number
  readonly maxRetryAfterMs: number
  readonly attempts: number
  readonly backoffMs: number
  readonly idempotencyKey: string | undefined
  readonly fetch: Fetch
  readonly clock: ClientClock
}

const POLL_OPTIONS = {
  signal: true,
  onProgress: true,
  onAbort: true,
  headers: true,
  trustedOrigins: true,
  longPollMs: true,
  requestTimeoutMs: true,
  maxRetryAfterMs: true,
  retry: true,
  fetch: true,
  clock: true
} as const

const SUBMIT_OPTIONS = { ...POLL_OPTIONS, idempotencyKey: true, onAccepted: true } as const

const ATTEMPT_OPTIONS = { attempts: true, backoffMs: true } as const

const ignore = (): void => {}

/** @throws TypeError or RangeError with the option, the expected value and the given one */
export function checkSubmitOptions(options: unknown): Settings {
  const o = optionsOf<SubmitOptions>('options', options, SUBMIT_OPTIONS)
  const { idempotencyKey, onAccepted } = o
  return {
    ...settingsOf(o, 'cancel'),
    idempotencyKey: idempotencyKey === undefined ? undefined : checkKey(idempotencyKey),
    onAccepted: onAccepted === undefined ? ignore : callable('onAccepted', onAccepted)
  }
}

/** @throws TypeError or RangeError with the option, the expected value and the given one */
export function checkPollOptions(options: unknown): Settings {
  const o = optionsOf<PollOptions>('options', options, POLL_OPTIONS)
  return { ...settingsOf(o, 'leave'), idempotencyKey: undefined, onAccepted: ignore }
}

function settingsOf(o: PollOptions, defaultOnAbort: OnAbort): Omit<Settings, 'idempotencyKey' | 'onAccepted'> {
  const { signal, onProgress, onAbort, headers, trustedOrigins, retry, fetch, clock } = o
  const { longPollMs, requestTimeoutMs, maxRetryAfterMs } = o
  const { attempts, backoffMs } = optionsOf<AttemptOptions>('retry', retry === undefined ? {} : retry, ATTEMPT_OPTIONS)
  return {
    signal: signal === undefined ? undefined : abortSignal('signal', signal),
    onProgress: onProgress === undefined ? ignore : callable('onProgress', onProgress),
    onAbort: onAbort === undefined ? defaultOnAbort : oneOf('onAbort', onAbort, ['cancel', 'leave']),
    headers: headers === undefined ? {} : checkHeaders(headers),
    trustedOrigins: trustedOrigins === undefined ? [] : checkOrigins(trustedOrigins),
    longPollMs: longPollMs === undefined ? 25_000 : duration('longPollMs', longPollMs),
    requestTimeoutMs: requestTimeoutMs === undefined ? 30_000 : duration('requestTimeoutMs', requestTimeoutMs),
    maxRetryAfterMs: maxRetryAfterMs === undefined ? 120_000 : duration('maxRetryAfterMs', maxRetryAfterMs),
    attempts: attempts === undefined ? 8 : integer('retry.attempts', attempts, 1),
    backoffMs: backoffMs === undefined ? 500 : duration('retry.backoffMs', backoffMs),
    fetch: fetch === undefined ? (url, init) => globalThis.fetch(url, init) : callable('fetch', fetch),
    clock: clock === undefined ? webClock : clock
  }
}

const KEY = /^[\x21-\x7e]{1,255}$/

function checkKey(key: unknown): string {
  if (typeof key === 'string' && KEY.test(key)) return key
  throw new TypeError(wording('idempotencyKey', '1 to 255 printable ASCII characters without spaces', key))
}

/** With lower-case names, so that the client's own fields replace those of the same name. */
function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  try {
    return Object.fromEntries(new Headers(headers))
  } catch {
    throw new TypeError(wording('headers', 'header fields that can be sent', headers)) // the platform quotes them
  }
}

function checkOrigins(origins: unknown): readonly string[] {
  if (!Array.isArray(origins)) throw new TypeError(wording('trustedOrigins', 'an array of origins', origins))
  return origins.map((origin: unknown, index) => {
    const isOrigin = typeof origin === 'string' && parseUrl(origin)?.origin === origin
    if (!isOrigin)
      throw new TypeError(wording(`trustedOrigins[${index}]`, 'an origin such as "https://example.org"', origin))
    return origin
  })
}
