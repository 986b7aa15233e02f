import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import type { StopReport } from 'coatcheck'
import type { TicketRoutes } from 'coatcheck/http'
import { type ListenOptions, listenUntilSignal, nodeListener, type Shutdown } from 'coatcheck/node-http'
import { type Application, application } from './application.js'
import { ticketServer } from './ticket-server.js'

/** What the command line may say. */
export interface ServeOptions extends Pick<ListenOptions, 'delayMs' | 'graceMs' | 'forceMs'> {
  readonly port: number
}

/** A wrong command line: the message says what it should be. */
export class UsageError extends Error {}

const FLAGS = { port: 'port', 'grace-ms': 'graceMs', 'force-ms': 'forceMs', 'delay-ms': 'delayMs' } as const

/**
 * Reads `--port`, `--grace-ms`, `--force-ms` and `--delay-ms`, and the names of switches.
 *
 * @throws UsageError
 */
export function readArguments<const S extends string>(
  args: readonly string[],
  switches: readonly S[] = []
): ServeOptions & { readonly switches: ReadonlySet<S> } {
  const values = parsed(args, switches)
  const options: Record<string, number> = { port: 0 }
  for (const [flag, name] of Object.entries(FLAGS)) {
    const value = values[flag]
    if (typeof value === 'string') options[name] = whole(flag, value)
  }
  if ((options['port'] ?? 0) > 65_535) throw new UsageError('--port must be at most 65535')
  return { port: 0, ...options, switches: new Set(switches.filter((name) => values[name] === true)) }
}

function parsed(args: readonly string[], switches: readonly string[]): Readonly<Record<string, unknown>> {
  const texts = Object.keys(FLAGS).map((flag) => [flag, { type: 'string' }] as const)
  const flags = switches.map((name) => [name, { type: 'boolean' }] as const)
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries([...texts, ...flags]) }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function whole(flag: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`--${flag} must be a whole number from 0`)
  return Number(value)
}

/**
 * Serves the demo application on the loopback address until SIGTERM or SIGINT, then ends it without loss.
 *
 * @param routesOf - what is around the application's routes
 * @returns the URL it listens at
 */
export async function serve(
  routesOf: (app: Application, shutdown: () => void) => Pick<TicketRoutes, 'handle'>,
  options: ServeOptions
): Promise<string> {
  const app = application({ closing: () => shutdown.begun })
  // The ticket shows what failed; without a listener each failure would be a line here.
  app.pool.on('failed', () => {})
  const server = ticketServer(nodeListener(routesOf(app, () => void shutdown.begin('the dashboard'))))
  const { port, delayMs, graceMs, forceMs } = options
  const shutdown: Shutdown = listenUntilSignal(server, app.pool, {
    ...{ port, host: '127.0.0.1', delayMs, graceMs, forceMs },
    onClosing: () => console.log('\nstopping: no new work, tickets can still be read'),
    onStopped: (report) => console.log(summary(app, report))
  })
  await once(server, 'listening')
  const url = address(server)
  console.log(welcome(url))
  return url
}

/** `http://127.0.0.1:PORT` of a server that listens. */
export function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function summary({ pool }: Application, report: StopReport): string {
  const { accepted, succeeded, failed, canceled } = pool.stats().totals
  const ended = succeeded + failed + canceled
  const { unstarted, aborted, interrupted } = report
  return [
    `stopped: ${ended} of ${accepted} accepted tickets ended: ${succeeded} succeeded, ${failed} failed, ${canceled} canceled`,
    `         ${unstarted.count} unstarted, ${aborted.count} aborted, ${interrupted.count} interrupted`,
    unstarted.count + aborted.count + interrupted.count === 0
      ? '         nothing was lost'
      : '         the grace was too short for the rest: exit code 1'
  ].join('\n')
}

function welcome(url: string): string {
  const json = "-H 'content-type: application/json'"
  return `listening on ${url}

hand work in, get a ticket:
  curl -i -X POST ${url}/queue-task ${json} -d '{"task_id":"hello world","work_duration":"60s"}'
  curl -i -X POST ${url}/tasks ${json} -d '{"label":"annual report","work":"20s"}'
  curl -i '${url}/?user_id=1'

come back with it (put the id of an answer in place of ID):
  curl -i ${url}/tasks/ID
  curl -i -X DELETE ${url}/tasks/ID

fill ten workers and a hundred places, and see the busy answer:
  for i in $(seq 111); do curl -s -o /dev/null -w '%{http_code} ' -X POST ${url}/tasks ${json} -d '{"work":"10s"}'; done; echo

Ctrl-C ends it: what was accepted is finished first.`
}
