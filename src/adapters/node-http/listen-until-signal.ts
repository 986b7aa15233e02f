import { isFunction, wording } from '../../contract/checks.js'
import type { StopOptions, StopReport } from '../../index.js'
import { Connections, type HttpServer } from './connections.js'
import { checkListenOptions, type ListenOptions } from './listen-options.js'
import { type ChildProcess, whenNpmEnds } from './npm-parent.js'
import { OrderlyShutdown, type Shutdown } from './shutdown.js'
import { systemTimers, type Timers } from './timers.js'

/** What is needed of a pool here; a `WorkerPool` is one. */
export interface StoppablePool {
  /** Takes no more work and brings accepted tasks to an end. */
  stop(options: StopOptions): Promise<StopReport>
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Listens until SIGTERM or SIGINT, then ends the server without loss and exits the process.
 *
 * In this order: every reply asks its connection to end, and with `closing` in `ticketRoutes` `/readyz` answers 503; after
 * `delayMs` the pool stops, while tickets can still be read and POSTs are refused with 503; clients have `lastCallMs` to
 * read the last status; the server closes, idle connections at once, all others after `closeMs`. With the defaults this
 * takes at most 24 of the 30 seconds that platforms give a process.
 *
 * Exit code 0, or 1 when the pool's report counts a task as unstarted, aborted or interrupted. A second signal within a
 * second is the same one; a later one exits at once with code 1. A process started by npm also ends when npm does, which
 * passes no signal on; in a container start it with `node`.
 *
 * @param server - a server of `node:http`, `node:https` or `node:http2`, that listens already or gets a `port`
 * @param pool - the pool to stop
 * @param options - checked once, now
 * @returns the shutdown, to begin it without a signal
 * @throws TypeError or RangeError that names the argument that is wrong
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { WorkerPool } from 'coatcheck'
 * import { ticketRoutes } from 'coatcheck/http'
 * import { listenUntilSignal, nodeListener, type Shutdown } from 'coatcheck/node-http'
 *
 * const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).start()
 * const tickets = ticketRoutes(pool, { closing: () => shutdown.begun })
 * const server = createServer(nodeListener(tickets))
 * const shutdown: Shutdown = listenUntilSignal(server, pool, { port: 3000, delayMs: 5_000, graceMs: 12_000 })
 * ```
 */
export function listenUntilSignal(server: HttpServer, pool: StoppablePool, options: ListenOptions = {}): Shutdown {
  return listenUntil(process, systemTimers, server, pool, options)
}

/** What is needed of the process. */
export interface ProcessLike extends ChildProcess {
  on(signal: 'SIGTERM' | 'SIGINT', listener: (signal: NodeJS.Signals) => void): unknown
  off(signal: 'SIGTERM' | 'SIGINT', listener: (signal: NodeJS.Signals) => void): unknown
  exit(code: number): void
}

/** {@link listenUntilSignal} with signals, exit and time of the caller's. */
export function listenUntil(
  process: ProcessLike,
  timers: Timers,
  server: HttpServer,
  pool: StoppablePool,
  options: ListenOptions
): Shutdown {
  requireMethods('server', 'a server of node:http, node:https or node:http2', server, ['listen', 'close', 'on'])
  requireMethods('pool', 'a WorkerPool', pool, ['stop'])
  const { plan, place, exit = (code) => process.exit(code) } = checkListenOptions(options, server.listening)

  const leave = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal)
    forgetNpm()
  }
  const shutdown = new OrderlyShutdown(plan, {
    pool,
    connections: new Connections(server, timers),
    timers,
    exit: (code) => {
      leave()
      exit(code)
    },
    onError: toConsole
  })
  const onSignal = (signal: NodeJS.Signals): void => shutdown.signaled(signal)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  const forgetNpm = whenNpmEnds(process, timers, () => void shutdown.begin('npm has ended'))
  if (place !== undefined) server.listen(place)
  return shutdown
}

function requireMethods(name: string, expected: string, value: unknown, methods: readonly string[]): void {
  const found = (method: string): unknown => (value instanceof Object ? Reflect.get(value, method) : undefined)
  if (!methods.every((method) => isFunction(found(method)))) throw new TypeError(wording(name, expected, value))
}

function toConsole(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: the process is about to exit, and nothing else is left to report it
  console.error('coatcheck/node-http:', error)
}
