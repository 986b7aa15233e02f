import { callable, duration, integerWithin, optionsOf, wording } from '../../contract/checks.js'
import type { StopReport } from '../../index.js'
import type { ShutdownPlan } from './shutdown.js'

/** Where a server listens, and how long its end may take. All times in milliseconds. */
export interface ListenOptions {
  /**
   * The port, from 0 (a free one) to 65,535. Not needed for a server that listens already.
   *
   * @defaultValue none
   */
  readonly port?: number | undefined

  /**
   * The address to listen at: `127.0.0.1` for this machine only.
   *
   * @defaultValue all addresses, as Node has it
   */
  readonly host?: string | undefined

  /**
   * How long the server goes on as before after the signal, except that `/readyz` answers 503: so long a load balancer may
   * take to send new clients elsewhere. `/readyz` needs `closing: () => shutdown.begun` in `ticketRoutes` for it. An integer.
   *
   * @defaultValue 0
   */
  readonly delayMs?: number | undefined

  /**
   * How long accepted tasks may go on, the queued ones too. See the option of `pool.stop`.
   *
   * @defaultValue 17,000
   */
  readonly graceMs?: number | undefined

  /**
   * How long aborted tasks may take to end. See the option of `pool.stop`.
   *
   * @defaultValue 5,000
   */
  readonly forceMs?: number | undefined

  /**
   * How long clients may fetch how their tasks ended once the pool has stopped, if any task ended during the stop. An
   * integer.
   *
   * @defaultValue 1,200
   */
  readonly lastCallMs?: number | undefined

  /**
   * How long open connections may take to end, and `onStopped`, before they are cut. An integer.
   *
   * @defaultValue 800
   */
  readonly closeMs?: number | undefined

  /**
   * Called when the end begins, with the name of the signal or the reason given to `begin`. An error it throws is printed
   * and makes the exit code 1.
   *
   * @defaultValue nothing
   */
  readonly onClosing?: ((reason: string) => unknown) | undefined

  /**
   * Called when the pool has stopped and the last call is over: the place to close databases and flush logs. The process
   * waits for its promise, at most `closeMs`. An error, or more time, is printed and makes the exit code 1.
   *
   * @defaultValue nothing
   */
  readonly onStopped?: ((report: StopReport) => unknown) | undefined

  /**
   * Ends the process: at the end with 0 or 1, on a later signal at once with 1.
   *
   * @defaultValue `process.exit`
   */
  readonly exit?: ((code: number) => void) | undefined
}

const OPTIONS = {
  port: true,
  host: true,
  delayMs: true,
  graceMs: true,
  forceMs: true,
  lastCallMs: true,
  closeMs: true,
  onClosing: true,
  onStopped: true,
  exit: true
} as const

/** The longest time a timer takes. */
const MAX_TIMER_MS = 2_147_483_647

/** A port and an address for `server.listen`. */
export interface Place {
  readonly port: number
  readonly host?: string
}

/** The options, checked. */
export interface CheckedListenOptions {
  readonly plan: ShutdownPlan
  /** Where to listen, if the server does not yet. */
  readonly place: Place | undefined
  readonly exit: ((code: number) => void) | undefined
}

/**
 * Checks the options, each read once.
 *
 * @throws TypeError or RangeError that names the option, what it should be and what it was
 */
export function checkListenOptions(options: unknown, isListening: boolean): CheckedListenOptions {
  const known = optionsOf<ListenOptions>('options', options, OPTIONS)
  const { exit } = known
  return {
    plan: planOf(known),
    place: placeOf(known, isListening),
    exit: exit === undefined ? undefined : callable('exit', exit)
  }
}

function planOf(o: ListenOptions): ShutdownPlan {
  const ms = (name: 'delayMs' | 'lastCallMs' | 'closeMs', usual: number): number =>
    o[name] === undefined ? usual : integerWithin(name, o[name], 0, MAX_TIMER_MS)
  return {
    delayMs: ms('delayMs', 0),
    graceMs: o.graceMs === undefined ? 17_000 : duration('graceMs', o.graceMs),
    forceMs: o.forceMs === undefined ? 5_000 : duration('forceMs', o.forceMs),
    lastCallMs: ms('lastCallMs', 1_200),
    closeMs: ms('closeMs', 800),
    onClosing: o.onClosing === undefined ? () => {} : callable('onClosing', o.onClosing),
    onStopped: o.onStopped === undefined ? undefined : callable('onStopped', o.onStopped)
  }
}

function placeOf({ port, host }: ListenOptions, isListening: boolean): Place | undefined {
  if (isListening && port === undefined && host === undefined) return undefined
  if (isListening) throw new TypeError('Expected `port` and `host` to be left out for a server that listens already')
  const checked = integerWithin('port', port, 0, 65_535)
  if (host === undefined) return { port: checked }
  if (typeof host !== 'string' || host === '') throw new TypeError(wording('host', 'a host name or an address', host))
  return { port: checked, host }
}
