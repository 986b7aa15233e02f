import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { loggingServer } from '../../examples/logging.js'
import { gate } from '../support/gate.js'

interface Line {
  readonly msg: string
  readonly requestId?: string
  readonly err?: { readonly message: string }
}

it('logs the id of the request with each line of its task, however requests and tasks interleave', async () => {
  const lines: Line[] = []
  const mayEnd = gate<void>()
  const send = async ({ to }: { readonly to?: unknown }) => {
    await mayEnd.promise
    if (to === 'nobody') throw new Error('no such address')
    return to
  }
  const { server, pool } = loggingServer(send, { write: (line) => void lines.push(JSON.parse(line) as Line) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    await pool.stop({ graceMs: 0 })
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mails`
  const post = (requestId: string, to: string) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': requestId },
      body: JSON.stringify({ to })
    })
  const ids = Array.from({ length: 15 }, (_, n) => `request-${n}`) // ten run, five are queued behind others
  const replies = await Promise.all(ids.map((id, n) => post(id, n === 7 ? 'nobody' : `user-${n}`)))
  expect(replies.map(({ status }) => status)).toEqual(ids.map(() => 202))
  mayEnd.open()
  await pool.drain()
  await expect.poll(() => lines.filter(({ msg }) => msg === 'failed')).toHaveLength(1)
  for (const [n, id] of ids.entries()) {
    const own = lines.filter(({ requestId }) => requestId === id).map(({ msg }) => msg)
    expect(own).toEqual(['queued', 'sending', n === 7 ? 'failed' : 'sent'])
  }
  expect(lines).toHaveLength(45)
  expect(lines.find(({ msg }) => msg === 'failed')?.err?.message).toBe('no such address')
})

it('gives a request without a usable id one of its own', async () => {
  const lines: Line[] = []
  const { server, pool } = loggingServer(async () => 'sent', {
    write: (line) => void lines.push(JSON.parse(line) as Line)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mails`
  const headers = { 'content-type': 'application/json', 'x-request-id': 'not {an} id' }
  await fetch(url, { method: 'POST', headers, body: '{}' })
  await pool.stop()
  expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(1)
  expect(lines[0]?.requestId).toMatch(/^[\da-f-]{36}$/)
})
