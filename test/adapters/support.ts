import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { type Application, application } from '../../examples/demo/application.js'
import { Gates } from '../http/support/gates.js'
import { exchange, type RawReply } from '../http/support/raw.js'

/** The demo application for the time of a test. */
export function demo(errors: unknown[] = [], gates = new Gates()): Application {
  const app = application({ work: gates.work, random: () => 0, onError: (error) => void errors.push(error) })
  onTestFinished(async () => void (await app.pool.stop({ graceMs: 0, forceMs: 0 })))
  return app
}

/** Sends bytes to a server, which listens for the time of the test. */
export async function ask(server: Server, bytes: Buffer): Promise<RawReply> {
  if (!server.listening) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
  }
  return await exchange((server.address() as AddressInfo).port, bytes)
}

export function expectNotFound(reply: RawReply): void {
  expect(reply.status).toBe(404)
  expect(reply.headers.get('content-type')).toBe('application/problem+json')
  expect(JSON.parse(reply.body)).toMatchObject({ code: 'NOT_FOUND' })
}
