import { callable, integer, interval, optionsOf, wording } from '../checks.js'
import type { Task } from '../task-contract.js'
import { evenlySpread } from './jitter.js'
import type { JsonObject } from './json-object.js'
import type { OwnBody } from './own-body.js'
import type { Problem } from './problems.js'
import type { HttpRequest } from './request.js'
import type { DescribeError } from './task-failure.js'
import type { TicketStatus } from './ticket-status.js'

/** A route that turns a JSON body into a task. */
export interface AcceptingRoute {
  /** The exact path, under the base path: `/tasks`, `/reports`. Nothing in it is a pattern. */
  readonly path: string

  /**
   * Queues the task. Called with a body that was read and parsed, while the pool still takes work and the client is
   * still there. What it throws becomes the reply: {@link invalidField} 400, a full queue 503, anything unknown 500.
   *
   * Queue as the last step and return the task. What is queued and not returned, or queued before something else throws,
   * runs without a ticket: its client is told that nothing was queued.
   *
   * @param input - what the client sent; look fields up with `Object.hasOwn`
   * @param request - whose `signal` aborts when the client leaves: for work that must not outlive the wait for room
   */
  readonly submit: (input: JsonObject, request: HttpRequest) => Task | PromiseLike<Task>

  /**
   * Another body for the 202. It is then no longer the status document, so `Content-Location` and `ETag` are left out.
   * Answers at once, not with a promise. When no reply can be made of what it says, `onError` is told and the usual one
   * is sent: the task is queued by then.
   *
   * @defaultValue the status document
   */
  readonly accepted?: ((task: Task, status: TicketStatus) => OwnBody) | undefined

  /**
   * Another body for a POST that was refused. As with `accepted`, the usual one takes its place when it fails.
   *
   * @defaultValue the problem document
   */
  readonly refused?: ((problem: Problem) => OwnBody) | undefined
}

/** How the ticket looks over HTTP. */
export interface TicketRoutesOptions {
  /**
   * The routes that take work.
   *
   * @defaultValue none: the application has its own, with `accepted` and `refused`
   */
  readonly accept?: readonly AcceptingRoute[] | undefined

  /**
   * What stands before every path, without a slash at its end: `/api`.
   *
   * @defaultValue nothing
   */
  readonly basePath?: string | undefined

  /**
   * Scheme and host that clients use, for URLs in headers and links: `https://example.org`. Never taken from a request,
   * whose `Host` anybody can write.
   *
   * @defaultValue none: URLs are paths
   */
  readonly publicUrl?: string | undefined

  /**
   * How soon clients are asked to come back for a ticket that is not done, in milliseconds: finite, above 0. Clients are
   * told in the body; in `Retry-After` rounded up to seconds.
   *
   * @defaultValue 1,000
   */
  readonly pollAfterMs?: number | undefined

  /**
   * Bytes a body may have. An integer from 1.
   *
   * @defaultValue 65,536
   */
  readonly maxBodyBytes?: number | undefined

  /**
   * What a client may know of a failure, at once, not as a promise. What it throws goes to `onError`.
   *
   * @defaultValue the code; the message only of this library's errors and of those whose `expose` is `true`
   */
  readonly describeError?: DescribeError | undefined

  /**
   * Whether the server is about to end: from then on `/readyz` says no and every reply asks its connection to end, while
   * everything is still served. The pool's own stop implies it.
   *
   * @defaultValue never
   */
  readonly closing?: (() => boolean) | undefined

  /**
   * Where errors go that the client is not told: what `submit` threw, what a hook threw or rejected with. May be async;
   * what goes wrong in it is dropped.
   *
   * @defaultValue one line of `console.error`
   */
  readonly onError?: ((error: unknown, request: HttpRequest | undefined) => void) | undefined

  /**
   * A number from 0 up to, not including, 1: the jitter of `Retry-After`.
   *
   * @defaultValue a sequence that spreads evenly
   */
  readonly random?: (() => number) | undefined
}

/** The same with every default in place. */
export interface TicketSettings {
  readonly accept: readonly AcceptingRoute[]
  readonly basePath: string
  /** Without a slash at its end; empty when URLs are paths. */
  readonly publicUrl: string
  readonly pollAfterMs: number
  readonly maxBodyBytes: number
  readonly describeError: DescribeError | undefined
  readonly closing: () => boolean
  readonly onError: (error: unknown, request: HttpRequest | undefined) => void
  readonly random: () => number
}

const TICKET_ROUTES_OPTIONS = {
  accept: true,
  basePath: true,
  publicUrl: true,
  pollAfterMs: true,
  maxBodyBytes: true,
  describeError: true,
  closing: true,
  onError: true,
  random: true
} as const

const ACCEPTING_ROUTE = { path: true, submit: true, accepted: true, refused: true } as const

/**
 * Checks the options, each read once.
 *
 * @throws TypeError or RangeError that names the option, what it should be and what it was
 */
export function checkTicketRoutesOptions(options: unknown): TicketSettings {
  const o = optionsOf<TicketRoutesOptions>('options', options, TICKET_ROUTES_OPTIONS)
  const { accept, basePath, publicUrl, pollAfterMs, maxBodyBytes, describeError, closing, onError, random } = o
  return {
    accept: accept === undefined ? [] : checkAccept(accept),
    basePath: basePath === undefined ? '' : checkBasePath(basePath),
    publicUrl: publicUrl === undefined ? '' : checkPublicUrl(publicUrl),
    pollAfterMs: pollAfterMs === undefined ? 1_000 : interval('pollAfterMs', pollAfterMs),
    maxBodyBytes: maxBodyBytes === undefined ? 65_536 : integer('maxBodyBytes', maxBodyBytes, 1),
    describeError: describeError === undefined ? undefined : callable('describeError', describeError),
    closing: closing === undefined ? () => false : callable('closing', closing),
    onError: onError === undefined ? toConsole : callable('onError', onError),
    random: random === undefined ? evenlySpread() : callable('random', random)
  }
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
