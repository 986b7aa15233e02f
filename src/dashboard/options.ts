import { callable, isFunction, optionsOf, wording } from '../contract/checks.js'
import type { HttpRequest } from '../http/index.js'
import { systemClock } from '../ports/system-clock.js'
import type { Authorize, DashboardAction } from './access.js'
import type { FeedClock } from './feed.js'

/** Options of {@link dashboard}. */
export interface DashboardOptions {
  /**
   * Decides who may use the dashboard. Called for every request to one of its paths, with what the request does: `view`
   * the page and its data, `cancel` a task, `stop` the server. Only `true` allows it; the page has only the buttons that
   * are allowed. What is denied does not exist: the request goes on to `tickets` and gets what any unknown path gets. A hook
   * that throws or rejects denies, and the error goes to `onError`.
   *
   * `'loopback'` allows everything, to requests for `localhost`, `127.0.0.1` or `[::1]`; any other `Host` gets 421. Only for
   * a server that is bound to a loopback address and has no proxy before it: a client chooses the `Host` that it sends.
   *
   * There is no default: whoever sees the page reads keys, labels and messages of errors.
   */
  readonly authorize: 'loopback' | ((request: HttpRequest, action: DashboardAction) => boolean | PromiseLike<boolean>)

  /**
   * The path of the page, whole, whatever path a framework mounts it under.
   *
   * @defaultValue `/dashboard`
   */
  readonly path?: string | undefined

  /**
   * Begins to stop the server. The page has a button for it, which asks first; with a shared pool it states that this process
   * stops.
   *
   * @defaultValue none: the page has no such button
   */
  readonly stop?: (() => unknown) | undefined

  /**
   * Called with an error of `authorize`, `stop` or a cancel, and with the request.
   *
   * @defaultValue one `console.error` per error
   */
  readonly onError?: ((error: unknown, request: HttpRequest) => void) | undefined

  /**
   * Time and timers, for tests.
   *
   * @defaultValue those of the system
   */
  readonly clock?: FeedClock | undefined
}

/** The options with defaults applied. */
export interface DashboardSettings {
  readonly authorize: 'loopback' | Authorize
  readonly path: string
  readonly stop: (() => unknown) | undefined
  readonly onError: (error: unknown, request: HttpRequest) => void
  readonly clock: FeedClock
}

const OPTIONS = { authorize: true, path: true, stop: true, onError: true, clock: true } as const

/**
 * Checks the options. Each is read once.
 *
 * @throws TypeError with the option, the expected value and the given one
 */
export function checkDashboardOptions(options: unknown): DashboardSettings {
  const { authorize, path, stop, onError, clock } = optionsOf<DashboardOptions>('options', options, OPTIONS)
  return {
    authorize: checkAuthorize(authorize),
    path: path === undefined ? '/dashboard' : checkPath(path),
    stop: stop === undefined ? undefined : callable('stop', stop),
    onError: onError === undefined ? toConsole : callable('onError', onError),
    clock: clock === undefined ? systemClock : checkClock(clock)
  }
}

function checkAuthorize(authorize: unknown): 'loopback' | Authorize {
  if (authorize === 'loopback') return authorize
  if (isFunction(authorize)) return callable('authorize', authorize)
  const expected = "a function of the request, or 'loopback' for a server that is bound to a loopback address"
  throw new TypeError(wording('authorize', expected, authorize))
}

const PATH = /^(?:\/[A-Za-z0-9._~-]+)+$/

function checkPath(path: unknown): string {
  if (typeof path === 'string' && PATH.test(path)) return path
  throw new TypeError(wording('path', 'a path such as /admin/dashboard', path))
}

function checkClock(clock: unknown): FeedClock {
  const isClock =
    typeof clock === 'object' &&
    clock !== null &&
    ['now', 'timer'].every((name) => isFunction(Reflect.get(clock, name)))
  if (!isClock) throw new TypeError(wording('clock', 'a Clock', clock))
  return clock as FeedClock
}

function toConsole(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: without `onError` an error must still be visible
  console.error('coatcheck/dashboard:', error)
}
