import { callable, integer, interval, isFunction, optionsOf, wording } from '../contract/checks.js'
import { systemClock } from '../ports/system-clock.js'
import { type AllHoldLimits, checkHoldLimits } from './holding/hold-limits.js'
import type { AcceptingRoute, RouteClock, TicketRoutesOptions } from './options.js'
import type { DescribeError } from './tickets/task-failure.js'
import type { HttpRequest } from './wire/request.js'
import { evenlySpread } from './wire/retry-after.js'

/** The options of the routes with every default in place. */
export interface TicketSettings {
  readonly accept: readonly AcceptingRoute[]
  readonly basePath: string
  /** Without a slash at its end; empty when URLs are paths. */
  readonly publicUrl: string
  readonly pollAfterMs: number
  readonly maxBodyBytes: number
  readonly maxIdempotencyKeys: number
  readonly owner: TicketRoutesOptions['owner']
  readonly authorize: TicketRoutesOptions['authorize']
  readonly longPolls: AllHoldLimits
  readonly streams: AllHoldLimits
  readonly describeError: DescribeError | undefined
  readonly closing: () => boolean
  readonly onError: (error: unknown, request: HttpRequest | undefined) => void
  readonly random: () => number
  readonly clock: RouteClock
}

const TICKET_ROUTES_OPTIONS = {
  accept: true,
  basePath: true,
  publicUrl: true,
  pollAfterMs: true,
  maxBodyBytes: true,
  maxIdempotencyKeys: true,
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

const ACCEPTING_ROUTE = { path: true, submit: true, accepted: true, refused: true } as const

/**
 * Checks the options, each read once.
 *
 * @throws TypeError or RangeError that names the option, what it should be and what it was
 */
export function checkTicketRoutesOptions(options: unknown): TicketSettings {
  const o = optionsOf<TicketRoutesOptions>('options', options, TICKET_ROUTES_OPTIONS)
  const { accept, basePath, publicUrl, pollAfterMs, maxBodyBytes, maxIdempotencyKeys } = o
  const { owner, authorize, longPolls, streams, describeError, closing, onError, random, clock } = o
  return {
    accept: accept === undefined ? [] : checkAccept(accept),
    basePath: basePath === undefined ? '' : checkBasePath(basePath),
    publicUrl: publicUrl === undefined ? '' : checkPublicUrl(publicUrl),
    pollAfterMs: pollAfterMs === undefined ? 1_000 : interval('pollAfterMs', pollAfterMs),
    maxBodyBytes: maxBodyBytes === undefined ? 65_536 : integer('maxBodyBytes', maxBodyBytes, 1),
    maxIdempotencyKeys:
      maxIdempotencyKeys === undefined ? 10_000 : integer('maxIdempotencyKeys', maxIdempotencyKeys, 1),
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

/** Where owners are not known, none has a limit. */
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
  // biome-ignore lint/suspicious/noConsole: an error that nobody asked for must still be seen
  console.error('coatcheck/http:', error)
}

function checkAccept(accept: unknown): readonly AcceptingRoute[] {
  if (!Array.isArray(accept)) throw new TypeError(wording('accept', 'an array of routes', accept))
  const routes = accept.map((route: unknown, index) => checkRoute(`accept[${index}]`, route))
  const seen = new Set<string>()
  for (const { path } of routes) {
    if (seen.has(path)) throw new TypeError(wording('accept', 'routes with a path each', path))
    seen.add(path)
  }
  return routes
}

function checkRoute(name: string, route: unknown): AcceptingRoute {
  const { path, submit, accepted, refused } = optionsOf<AcceptingRoute>(name, route, ACCEPTING_ROUTE)
  return {
    path: checkPath(`${name}.path`, path),
    submit: callable(`${name}.submit`, submit),
    accepted: accepted === undefined ? undefined : callable(`${name}.accepted`, accepted),
    refused: refused === undefined ? undefined : callable(`${name}.refused`, refused)
  }
}

/** The characters of a path as they stand on a request line. */
const PATH = /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/

const TAKEN: ReadonlySet<string> = new Set(['/livez', '/readyz'])

function checkPath(name: string, path: unknown): string {
  if (typeof path !== 'string' || !PATH.test(path)) {
    throw new TypeError(wording(name, 'a path that begins with "/", as it stands in a URL', path))
  }
  if (TAKEN.has(path) || path.startsWith('/tasks/')) {
    throw new TypeError(wording(name, 'a path other than /livez, /readyz and those under /tasks/', path))
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
