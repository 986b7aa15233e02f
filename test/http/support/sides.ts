import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Task } from 'coatcheck'
import type { HttpReply, HttpRequest } from 'coatcheck/http'
import { expect } from 'vitest'
import { type Application, type ApplicationOptions, application } from '../../../examples/demo/application.js'
import { carriers } from './carriers.js'
import { CountingClock } from './counting-clock.js'
import { asFastifySends, fastifyDecides } from './fastify-decides.js'
import { Gates } from './gates.js'
import { exchange, type RawReply } from './raw.js'

/** One server with the demo application, under the test's control. */
export interface Side {
  readonly name: string
  readonly port: number
  readonly server: Server
  readonly app: Application
  readonly gates: Gates
  readonly clock: CountingClock
  /** The errors passed to `onError`. */
  readonly errors: unknown[]
  /** Every reply, in the order of the requests. */
  readonly decided: Promise<HttpReply | undefined>[]
}

/** The same application on every server. */
export class Sides {
  readonly all: readonly Side[]

  private constructor(all: readonly Side[]) {
    this.all = all
  }

  static async open(options: Pick<ApplicationOptions, 'closing' | 'pool'> = {}): Promise<Sides> {
    return new Sides(await Promise.all(carriers.map(([name, carry]) => openSide(name, carry, options))))
  }

  /** Sends the same bytes to every server; they must all answer with the same bytes, or what Fastify makes of them. */
  async send(bytes: Buffer): Promise<RawReply> {
    const replies = await Promise.all(this.all.map(({ port }) => exchange(port, bytes)))
    const [first, ...others] = replies
    for (const [index, other] of others.entries()) {
      const name = this.all[index + 1]?.name
      const message = `${name} is to answer as node:http does`
      if (name !== 'Fastify') expect(other.bytes, message).toBe(first?.bytes)
      else if (fastifyDecides(bytes)) expect([400, 404], message).toContain(other.status)
      else expect(asFastifySends(other), message).toBe(asFastifySends(first!))
    }
    return first!
  }

  /** Does the same on every side. */
  async each(act: (side: Side) => unknown): Promise<void> {
    await Promise.all(this.all.map(act))
  }

  /** Ends a task on every side and waits until it has settled. */
  async settle(label: string, id: string, how: (gates: Gates) => void = (gates) => gates.end(label)): Promise<void> {
    await this.each(async ({ gates, app }) => {
      const task: Task | undefined = app.pool.task(id)
      how(gates)
      await task?.settled()
    })
  }

  /** What every pool counted, which must be the same. */
  totals(): {
    readonly submitted: number
    readonly refused: number
    readonly accepted: number
    readonly canceled: number
  } {
    const [first, ...others] = this.all.map(({ app }) => app.pool.stats().totals)
    for (const other of others) expect(other).toEqual(first)
    return first!
  }

  async close(): Promise<void> {
    await this.each(async ({ server, app, clock }) => {
      server.close()
      server.closeAllConnections()
      const stopped = app.pool.stop({ graceMs: 0, forceMs: 1 })
      await clock.advance(2)
      await stopped
    })
  }
}

async function openSide(
  name: string,
  carry: (app: Application) => Server | Promise<Server>,
  { pool, ...options }: Pick<ApplicationOptions, 'closing' | 'pool'>
): Promise<Side> {
  const gates = new Gates()
  const clock = new CountingClock()
  const errors: unknown[] = []
  const decided: Promise<HttpReply | undefined>[] = []
  const app = application({
    ...options,
    work: gates.work,
    random: () => 0,
    onError: (error) => void errors.push(error),
    pool: { ...pool, clock, onUnobservedError: () => {} }
  })
  const watched: Application = {
    ...app,
    handle: (req: HttpRequest) => {
      const reply = app.handle(req)
      decided.push(reply)
      return reply
    }
  }
  const server = await carry(watched)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { name, port, server, app, gates, clock, errors, decided }
}
