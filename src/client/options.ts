import { abortSignal, callable, duration, integer, oneOf, optionsOf, wording } from '../contract/checks.js'
import type { ClientClock } from './clock.js'
import type { Fetch } from './exchange.js'
import type { TicketStatus } from './ticket-status.js'
import { parseUrl } from './ticket-url.js'
import { webClock } from './web-clock.js'

/** What becomes of the task when nobody waits for it any more. */
export type OnAbort = 'cancel' | 'leave'

/** How often and after which pause a request is repeated that was refused for now, or got no answer. */
export interface AttemptOptions {
  /**
   * How often one request is sent at most, the first time included. An integer from 1. Every answer that is none of a
   * server in trouble starts the count again.
   *
   * @defaultValue 8
   */
  readonly attempts?: number | undefined

  /**
   * The ceiling of the pause after the first failure, in milliseconds; it doubles with each further one, up to 30
   * seconds. The pause is a random part of it, from nothing to the whole, and comes on top of what `Retry-After` says.
   *
   * @defaultValue 500
   */
  readonly backoffMs?: number | undefined
}

/** How a ticket is followed. */
export interface PollOptions {
  /**
   * Ends the wait: it rejects with the signal's reason at once.
   *
   * @defaultValue none
   */
  readonly signal?: AbortSignal | undefined

  /**
   * Told each status that is news, the last one included. May be async: the next question waits for it. What it throws
   * ends the wait as an abort does.
   *
   * @defaultValue nobody is told
   */
  readonly onProgress?: ((status: TicketStatus) => unknown) | undefined

  /**
   * What becomes of the task when the wait ends early, by `signal` or because `onProgress` threw: `'cancel'` sends a
   * DELETE, in the background and as often as `retry` allows; `'leave'` lets it go on.
   *
   * @defaultValue `'cancel'` for `submit`, `'leave'` for `poll`
   */
  readonly onAbort?: OnAbort | undefined

  /**
   * Further header fields of every request: `{ Authorization: 'Bearer …' }`. For what changes from request to request
   * give a `fetch` that adds it.
   *
   * @defaultValue none
   */
  readonly headers?: Readonly<Record<string, string>> | undefined

  /**
   * Origins a ticket may be on besides that of the URL that was given: `['https://tickets.example.org']`. They are sent
   * `headers` too.
   *
   * @defaultValue none
   */
  readonly trustedOrigins?: readonly string[] | undefined

  /**
   * How long the server is asked to hold a question until there is news, in milliseconds; whole seconds are what it can
   * be asked for. Less than 1,000 asks for nothing, so that all questions are as far apart as `Retry-After` says.
   *
   * @defaultValue 25,000, which is as long as `coatcheck/http` holds one
   */
  readonly longPollMs?: number | undefined

  /**
   * How long one request may take until its whole answer is here, in milliseconds, besides the time that the server was
   * asked to hold it. Then it counts as unanswered.
   *
   * @defaultValue 30,000
   */
  readonly requestTimeoutMs?: number | undefined

  /**
   * The longest pause that a server without room may ask for, in milliseconds. If it asks for more, the wait ends at once
   * with what it said.
   *
   * @defaultValue 120,000
   */
  readonly maxRetryAfterMs?: number | undefined

  /** How requests are repeated. */
  readonly retry?: AttemptOptions | undefined

  /**
   * Sends the requests.
   *
   * @defaultValue the platform's
   */
  readonly fetch?: Fetch | undefined

  /**
   * Time and chance, for tests.
   *
   * @defaultValue the platform's
   */
  readonly clock?: ClientClock | undefined
}

/** How work is submitted and its ticket followed. */
export interface SubmitOptions extends PollOptions {
  /**
   * Tells the server that all requests with this key are one and the same: 1 to 255 printable ASCII characters without
   * spaces. Give your own where you may have to submit again what you submitted before: after a reload, for instance.
   *
   * @defaultValue 128 random bits, the same in all attempts of one call
   */
  readonly idempotencyKey?: string | undefined

  /**
   * Told the ticket's URL, absolute, once there is one: for `poll`, later or elsewhere. May be async, and may end the wait,
   * as `onProgress`.
   *
   * @defaultValue nobody is told
   */
  readonly onAccepted?: ((ticketUrl: string) => unknown) | undefined
}

/** The same with every default in place. */
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

const nobody = (): void => {}

/** @throws TypeError or RangeError that names the option, what it should be and what it was */
export function checkSubmitOptions(options: unknown): Settings {
  const o = optionsOf<SubmitOptions>('options', options, SUBMIT_OPTIONS)
  const { idempotencyKey, onAccepted } = o
  return {
    ...settingsOf(o, 'cancel'),
    idempotencyKey: idempotencyKey === undefined ? undefined : checkKey(idempotencyKey),
    onAccepted: onAccepted === undefined ? nobody : callable('onAccepted', onAccepted)
  }
}

/** @throws TypeError or RangeError that names the option, what it should be and what it was */
export function checkPollOptions(options: unknown): Settings {
  const o = optionsOf<PollOptions>('options', options, POLL_OPTIONS)
  return { ...settingsOf(o, 'leave'), idempotencyKey: undefined, onAccepted: nobody }
}

function settingsOf(o: PollOptions, usually: OnAbort): Omit<Settings, 'idempotencyKey' | 'onAccepted'> {
  const { signal, onProgress, onAbort, headers, trustedOrigins, retry, fetch, clock } = o
  const { longPollMs, requestTimeoutMs, maxRetryAfterMs } = o
  const { attempts, backoffMs } = optionsOf<AttemptOptions>('retry', retry === undefined ? {} : retry, ATTEMPT_OPTIONS)
  return {
    signal: signal === undefined ? undefined : abortSignal('signal', signal),
    onProgress: onProgress === undefined ? nobody : callable('onProgress', onProgress),
    onAbort: onAbort === undefined ? usually : oneOf('onAbort', onAbort, ['cancel', 'leave']),
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

/** By lower-case names, so that a field of the client's own replaces one of the same name. */
function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  try {
    return Object.fromEntries(new Headers(headers))
  } catch {
    throw new TypeError(wording('headers', 'header fields that can be sent', headers)) // the platform's would repeat them
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
