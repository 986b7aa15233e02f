import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { WorkerPoolOptions } from 'coatcheck'
import { type DashboardOptions, dashboard } from 'coatcheck/dashboard'
import { nodeListener } from 'coatcheck/node-http'
import { type Application, application } from '../../examples/demo/application.js'
import { address } from '../../examples/demo/serve.js'
import { ticketServer } from '../../examples/demo/ticket-server.js'
import { Gates } from '../http/support/gates.js'

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where this machine has a Chromium, if it has one. */
export const chromiumPath = [process.env['CHROMIUM'] ?? '', ...BROWSERS].find((path) => path !== '' && existsSync(path))

/** How to start it: without its sandbox for root, who cannot have one. */
export const launchOptions = {
  executablePath: chromiumPath ?? '',
  // A browser that was installed a moment ago starts slowly; only the hook's own limit counts.
  timeout: 0,
  args: ['--no-sandbox', '--host-resolver-rules=MAP elsewhere.test 127.0.0.1']
}

/** The demo application with its dashboard, on a server. */
export interface Served {
  readonly url: string
  readonly app: Application
  readonly gates: Gates
  /** How often the end of the server was asked for. */
  readonly stops: () => number
  /** Breaks all connections; new ones are accepted. */
  readonly disconnect: () => void
  readonly close: () => Promise<void>
}

export interface ServedOptions extends Partial<Pick<DashboardOptions, 'authorize' | 'clock'>> {
  readonly pool?: Partial<Pick<WorkerPoolOptions, 'concurrency' | 'queueCapacity' | 'clock' | 'stuckAfterMs'>>
}

export async function served({ pool, authorize = 'loopback', clock }: ServedOptions = {}): Promise<Served> {
  const gates = new Gates()
  const app = application({ work: gates.work, pool: { concurrency: 2, onUnobservedError: () => {}, ...pool } })
  let stops = 0
  const routes = dashboard(app.pool, app, { authorize, clock, stop: () => void stops++ })
  const server = ticketServer(nodeListener(routes))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    ...{ app, gates, url: address(server), stops: () => stops },
    disconnect: () => server.closeAllConnections(),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

/** Queues work over HTTP, and returns its ticket. */
export async function queueWork(url: string, label: string): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/tasks`, { method: 'POST', headers, body: JSON.stringify({ label }) })
  const { id } = (await response.json()) as { readonly id: string }
  return id
}
