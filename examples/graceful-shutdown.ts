/**
 * The end of a server that owes its clients answers, with nothing but Node and the pool.
 *
 * ```
 *  SIGTERM ─► delay ────► pool.stop: grace ─► force ─► last call ─► server.close ─► exit 0 | 1
 *             balancers    GETs served, POSTs           clients      connections
 *             look away    refused with 503             fetch ends   end, then are cut
 * ```
 *
 * All times together must fit the time the platform gives before it kills: with the defaults 0 + 17 + 5 + 1.2 + 0.8 of the
 * usual 30 seconds. In a container start the server with `node`, not with `npm`, which does not pass signals on.
 */
import type { Server, ServerResponse } from 'node:http'
import type { StopOptions, StopReport } from 'coatcheck'

/** Time as far as a shutdown needs it. */
export interface ShutdownClock {
  /** Milliseconds of a clock that is never set back. */
  now(): number
  /** Calls back once after `ms`, unless the returned function is called before. */
  after(ms: number, then: () => void): () => void
}

/** Where signals come from: the process. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: (signal: NodeJS.Signals) => void): unknown
  off(signal: 'SIGTERM' | 'SIGINT', listener: (signal: NodeJS.Signals) => void): unknown
}

/** What to end, and how long to take over it. All times in milliseconds. */
export interface ShutdownOptions {
  readonly server: Server
  readonly pool: { stop(options: StopOptions): Promise<StopReport> }
  /** Lame duck: how long to go on as if nothing was, while `/readyz` says no and balancers look away. Default 0. */
  readonly delayMs?: number
  /** How long accepted tasks may go on. Default 17,000. */
  readonly graceMs?: number
  /** How long aborted tasks may take to end. Default 5,000. */
  readonly forceMs?: number
  /** How long clients may still fetch how their tasks ended, if any was left. Default 1,200. */
  readonly lastCallMs?: number
  /** How long open connections may take to end. Default 800. */
  readonly closeMs?: number
  /** Told when it begins and when the pool has stopped. */
  readonly onProgress?: (step: 'begun' | 'stopped', report?: StopReport) => void
  /** Ends the process. */
  readonly exit?: (code: number) => void
  readonly signals?: SignalSource
  readonly clock?: ShutdownClock
}

/** A shutdown that waits for its signal. */
export interface Shutdown {
  /** Whether it has begun: give it to `ticketRoutes` as `closing: () => shutdown.begun`. */
  readonly begun: boolean
  /** Begins it without a signal; again: the same. Resolves with the exit code after `exit` was called. */
  begin(reason?: string): Promise<number>
}

/** One Ctrl-C arrives twice under npm and tsx, who pass on what the process group got already. */
const SAME_SIGNAL_MS = 1_000

const IDLE_CHECK_MS = 50

const systemClock: ShutdownClock = {
  now: () => performance.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms)
    return () => clearTimeout(timer)
  }
}

/**
 * Ends the server well on the first SIGTERM or SIGINT. A second signal within a second is the same one; a later one ends
 * the process at once, with code 1.
 */
export function gracefulShutdown(options: ShutdownOptions): Shutdown {
  const { server, pool, signals = process, clock = systemClock, exit = (code) => process.exit(code) } = options
  const open = new Set<ServerResponse>()
  let ending: Promise<number> | undefined
  let begunAt = 0

  // Replies in flight when it begins are told too: else `server.close()` waits for their connections.
  server.prependListener('request', (req, res) => {
    if (ending !== undefined && req.httpVersionMajor === 1) res.setHeader('Connection', 'close')
    open.add(res)
    res.once('close', () => open.delete(res))
  })

  const begin = (reason = 'shutdown'): Promise<number> => {
    if (ending !== undefined) return ending
    begunAt = clock.now()
    ending = Promise.resolve().then(() => end(reason))
    for (const res of open) {
      if (!res.headersSent && res.req.httpVersionMajor === 1) res.setHeader('Connection', 'close')
    }
    options.onProgress?.('begun')
    return ending
  }

  const end = async (reason: string): Promise<number> => {
    const { delayMs = 0, graceMs = 17_000, forceMs = 5_000, lastCallMs = 1_200, closeMs = 800 } = options
    if (delayMs > 0) await pause(clock, delayMs)
    const report = await pool.stop({ graceMs, forceMs, reason })
    options.onProgress?.('stopped', report)
    if (settledBy(report) > 0) await pause(clock, lastCallMs)
    await closeServer(server, clock, closeMs)
    signals.off('SIGTERM', onSignal)
    signals.off('SIGINT', onSignal)
    const code = lost(report) === 0 ? 0 : 1
    exit(code)
    return code
  }

  const onSignal = (signal: NodeJS.Signals): void => {
    if (ending === undefined) void begin(signal)
    else if (clock.now() - begunAt >= SAME_SIGNAL_MS) exit(1)
  }
  signals.on('SIGTERM', onSignal)
  signals.on('SIGINT', onSignal)

  return {
    get begun() {
      return ending !== undefined
    },
    begin
  }
}

/** Tasks that clients may still be asking for. */
function settledBy({ succeeded, failed, canceled }: StopReport): number {
  return succeeded + failed + canceled
}

/** Tasks that were accepted and not brought to their own end. */
export function lost({ unstarted, aborted, interrupted }: StopReport): number {
  return unstarted.count + aborted.count + interrupted.count
}

function pause(clock: ShutdownClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}

/** Closes connections as they fall idle, and after `closeMs` the rest. */
function closeServer(server: Server, clock: ShutdownClock, closeMs: number): Promise<void> {
  return new Promise((resolve) => {
    let forget = (): void => {}
    const sweep = (): void => {
      server.closeIdleConnections()
      forget = clock.after(IDLE_CHECK_MS, sweep)
    }
    const cut = clock.after(closeMs, () => server.closeAllConnections())
    server.close(() => {
      forget()
      cut()
      resolve()
    })
    sweep()
  })
}
