import { callable, duration, integer, interval, isFunction, optionsOf, wording } from '../contract/checks.js'
import { systemClock } from '../ports/system-clock.js'
import type { RouteClock } from './holding/followers.js'
import { type AllHoldLimits, checkHoldLimits } from './holding/held-requests.js'
import type { AcceptingRoute, CheckedRoute } from './intake/accepting-route.js'
import { isStandardSchema, type StandardSchema } from './intake/standard-schema.js'
import type { TicketRoutesOptions } from './options.js'
import type { DescribeError } from './tickets/task-failure.js'
import type { OnError } from './wire/hooks.js'
import { evenlySpread } from './wire/retry-after.js'

/** The options with defaults applied. */
export interface Settings {
  readonly accept: readonly CheckedRoute[]
  readonly basePath: string
  readonly ticketPath: string
  /** Without a slash at its end; empty when URLs are paths. */
  readonly publicUrl: string
  readonly pollAfterMs: number
  readonly maxBodyBytes: number
  readonly maxIdempotencyKeys: number
  readonly idempotencyMs: number
  readonly owner: TicketRoutesOptions['owner']
  readonly authorize: TicketRoutesOptions['authorize']
  readonly longPolls: AllHoldLimits
  readonly streams: AllHoldLimits
  readonly describeError: DescribeError | undefined
  readonly closing: () => boolean
  readonly onError: OnError
  readonly random: () => number
  readonly clock: RouteClock
}

const TICKET_ROUTES_OPTIONS = {
  accept: true,
  basePath: true,
  ticketPath: true,
  publicUrl: true,
  pollAfterMs: true,
  maxBodyBytes: true,
  maxIdempotencyKeys: true,
  idempotencyMs: true,
  owner: true,
  authorize: true,
  longPolls: true,
  streams: true,
  describeError: true,
  closing: true,
  onError: true,
  random: true,
  clock: true
} as const

const ACCEPTING_ROUTE = { path: true, body: true, submit: true, accepted: true, refused: true } as const

/**
 * Checks the options. Each is read once.
 *
 * @throws TypeError or RangeError with the option, the expected value and the given one
 */
export function checkTicketRoutesOptions(options: unknown): Settings {
  const o = optionsOf<TicketRoutesOptions>('options', options, TICKET_ROUTES_OPTIONS)
  const { accept, basePath, ticketPath = '/tasks', publicUrl, pollAfterMs, maxBodyBytes } = o
  const { maxIdempotencyKeys, idempotencyMs } = o
  const { owner, authorize, longPolls, streams, describeError, closing, onError, random, clock } = o
  const path = checkTicketPath(ticketPath)
  return {
    accept: accept === undefined ? [] : checkAccept(accept, path),
    basePath: basePath === undefined ? '' : checkBasePath(basePath),
    ticketPath: path,
    publicUrl: publicUrl === undefined ? '' : checkPublicUrl(publicUrl),
    pollAfterMs: pollAfterMs === undefined ? 1_000 : interval('pollAfterMs', pollAfterMs),
    maxBodyBytes: maxBodyBytes === undefined ? 65_536 : integer('maxBodyBytes', maxBodyBytes, 1),
    maxIdempotencyKeys:
      maxIdempotencyKeys === undefined ? 10_000 : integer('maxIdempotencyKeys', maxIdempotencyKeys, 1),
    idempotencyMs: idempotencyMs === undefined ? 86_400_000 : duration('idempotencyMs', idempotencyMs),
    owner: owner === undefined ? undefined : callable('owner', owner),
    authorize: authorize === undefined ? undefined : callable('authorize', authorize),
    longPolls: holdLimits('longPolls', longPolls, owner !== undefined),
    streams: holdLimits('streams', streams, owner !== undefined),
    describeError: describeError === undefined ? undefined : callable('describeError', describeError),
    closing: closing === undefined ? () => false : callable('closing', closing),
    onError: onError === undefined ? toConsole : callable('onError', onError),
    random: random === undefined ? evenlySpread() : callable('random', random),
    clock: clock === undefined ? systemClock : checkClock(clock)
  }
}

/** Without an `owner` hook there is no limit per owner. */
function holdLimits(name: string, limits: unknown, knowsOwners: boolean): AllHoldLimits {
  const checked = checkHoldLimits(name, limits)
  return knowsOwners ? checked : { ...checked, perOwner: Number.POSITIVE_INFINITY }
}

function checkClock(clock: unknown): RouteClock {
  const methods = ['now', 'timer'] as const
  if (typeof clock !== 'object' || clock === null || methods.some((name) => !isFunction(Reflect.get(clock, name)))) {
    throw new TypeError(wording('clock', 'a Clock', clock))
  }
  return clock as RouteClock
}

function toConsole(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: without `onError` an error must still be visible
  console.error('coatcheck/http:', error)
}

function checkAccept(accept: unknown, ticketPath: string): readonly CheckedRoute[] {
  if (!Array.isArray(accept)) throw new TypeError(wording('accept', 'an array of routes', accept))
  const users = new Map<string, string>()
  return accept.map((each: unknown, index) => {
    const name = `accept[${index}]`
    const route = checkRoute(name, each, ticketPath)
    const user = users.get(route.path)
    if (user !== undefined) {
      throw new TypeError(wording(`${name}.path`, `a path that is not used by ${user} already`, route.path))
    }
    users.set(route.path, name)
    return route
  })
}

function checkRoute(name: string, route: unknown, ticketPath: string): CheckedRoute {
  const { path, body, submit, accepted, refused } = optionsOf<AcceptingRoute>(name, route, ACCEPTING_ROUTE)
  return {
    path: checkRoutePath(`${name}.path`, path, ticketPath),
    body: body === undefined ? undefined : checkSchema(`${name}.body`, body),
    submit: callable(`${name}.submit`, submit) as CheckedRoute['submit'],
    accepted: accepted === undefined ? undefined : callable(`${name}.accepted`, accepted),
    refused: refused === undefined ? undefined : callable(`${name}.refused`, refused)
  }
}

function checkSchema(name: string, schema: unknown): StandardSchema {
  if (!isStandardSchema(schema)) throw new TypeError(wording(name, 'a Standard Schema, version 1', schema))
  return schema
}

/** A path in the form in which a request line contains it. */
const PATH = /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/

const HEALTH_PATHS: ReadonlySet<string> = new Set(['/livez', '/readyz'])

function checkRoutePath(name: string, path: unknown, ticketPath: string): string {
  if (typeof path !== 'string' || !PATH.test(path)) {
    throw new TypeError(wording(name, 'a path that begins with "/", as it stands in a URL', path))
  }
  if (HEALTH_PATHS.has(path) || path.startsWith(`${ticketPath}/`)) {
    throw new TypeError(wording(name, `a path other than /livez, /readyz and those under ${ticketPath}/`, path))
  }
  return path
}

function checkTicketPath(path: unknown): string {
  if (typeof path !== 'string' || !PATH.test(path) || path.endsWith('/') || HEALTH_PATHS.has(path)) {
    const expected = 'a path that begins with "/" and does not end with it, other than /livez and /readyz'
    throw new TypeError(wording('ticketPath', expected, path))
  }
  return path
}

function checkBasePath(basePath: unknown): string {
  if (basePath === '') return basePath
  if (typeof basePath !== 'string' || !PATH.test(basePath) || basePath.endsWith('/')) {
    throw new TypeError(wording('basePath', 'empty, or a path that begins with "/" and does not end with it', basePath))
  }
  return basePath
}

function checkPublicUrl(publicUrl: unknown): string {
  const expected = 'an http or https URL without credentials, query and fragment'
  if (typeof publicUrl !== 'string' || !URL.canParse(publicUrl)) {
    throw new TypeError(wording('publicUrl', expected, publicUrl))
  }
  const url = new URL(publicUrl)
  const isPlain = url.username === '' && url.password === '' && !/[?#]/.test(publicUrl)
  if (!['http:', 'https:'].includes(url.protocol) || !isPlain) {
    throw new TypeError(wording('publicUrl', expected, publicUrl))
  }
  return `${url.origin}${url.pathname}`.replace(/\/$/, '')
}
