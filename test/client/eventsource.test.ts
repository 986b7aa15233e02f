/** Third-party readers of event streams, with the unchanged routes. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { TicketStatus } from 'coatcheck/http'
import compression from 'compression'
import { EventSource } from 'eventsource'
import express from 'express'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { expressApp } from '../http/support/carriers.js'
import { blocksOf } from '../package/programs.js'
import { root } from '../package/run.js'
import { realServer, until } from './support/real-server.js'
import { quiet } from './support/scripted-server.js'

afterEach(() => {
  vi.useRealTimers()
})

/** A running task and the URL of its events. */
async function begunTask(service: Awaited<ReturnType<typeof realServer>>) {
  const { pool, url, begun, origin } = service
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  const { id, links } = (await response.json()) as TicketStatus
  await until(() => begun.length === 1)
  expect(links.events).toBe(`/tasks/${id}/events`)
  return { id, events: `${origin}${links.events}`, task: pool.task(id), begun: begun[0]! }
}

describe('an EventSource', () => {
  it('gets each change, the end once, and stops at the 204 when it reconnects', async () => {
    const service = await realServer()
    const { events, begun, task } = await begunTask(service)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }) // which delay its reconnection
    const source = new EventSource(events)
    onTestFinished(() => source.close())
    const seen: TicketStatus[] = []
    const ids: string[] = []
    let breaks = 0
    source.addEventListener('status', ({ data, lastEventId }) => {
      seen.push(JSON.parse(data) as TicketStatus)
      ids.push(lastEventId)
    })
    source.addEventListener('error', () => void breaks++)

    await until(() => seen.length === 1)
    expect(seen[0]?.status).toBe('running')
    begun.context.progress(0.5, 'half way')
    await quiet()
    await service.clock.advance(250)
    await until(() => seen.length === 2)
    expect(seen[1]?.progress).toEqual({ ratio: 0.5, message: 'half way' })
    begun.open('done')
    await task?.settled()
    await until(() => breaks === 1)
    expect(seen.map(({ status }) => status)).toEqual(['running', 'running', 'succeeded'])
    expect(seen.at(-1)?.result).toBe('done')
    expect(ids).toEqual(seen.map(({ revision }) => String(revision)))
    expect(source.readyState).toBe(EventSource.CONNECTING)

    const sent = service.lines.length
    vi.advanceTimersByTime(1_999)
    await quiet()
    expect(service.lines).toHaveLength(sent)
    vi.advanceTimersByTime(1)
    await until(() => source.readyState === EventSource.CLOSED)
    expect(service.lines.slice(sent)).toEqual(['GET /tasks/ticket/events'])
    vi.advanceTimersByTime(60_000)
    await quiet()
    expect(service.lines).toHaveLength(sent + 1)
    expect(seen).toHaveLength(3)
  })

  it('shows what the page about HTTP says, by its own lines', async () => {
    const service = await realServer()
    const { events, begun, id } = await begunTask(service)
    const [code = ''] = blocksOf(await readFile(join(root, 'docs', 'http.md'), 'utf8'), 'js')
    class OfThePage extends EventSource {
      constructor(path: string) {
        super(new URL(path, events))
        sources.push(this)
      }
    }
    const sources: EventSource[] = []
    const printed: unknown[][] = []
    new Function('EventSource', 'ticket', 'console', code)(OfThePage, id, {
      log: (...values: unknown[]) => void printed.push(values)
    })
    onTestFinished(() => sources[0]?.close())
    await until(() => printed.length === 1)
    begun.context.progress(0.5)
    await quiet()
    await service.clock.advance(250)
    await until(() => printed.length === 2)
    begun.open('done')
    await until(() => sources[0]?.readyState === EventSource.CLOSED)
    expect(printed).toEqual([
      ['running', undefined],
      ['running', 0.5],
      ['succeeded', 0.5]
    ])
  })

  it('whose connection breaks reconnects and misses only superseded statuses', async () => {
    const service = await realServer()
    const { events, begun } = await begunTask(service)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const source = new EventSource(events)
    onTestFinished(() => source.close())
    const seen: TicketStatus[] = []
    let breaks = 0
    source.addEventListener('status', ({ data }) => void seen.push(JSON.parse(data)))
    source.addEventListener('error', () => void breaks++)
    await until(() => seen.length === 1)
    service.server.closeAllConnections()
    await until(() => breaks === 1)
    begun.context.progress(0.25)
    begun.context.progress(0.75)
    await quiet()
    vi.advanceTimersByTime(2_000)
    await until(() => seen.length === 2)
    expect(seen[1]?.progress?.ratio).toBe(0.75)
    begun.open('done')
    await until(() => seen.length === 3)
    expect(seen[2]?.status).toBe('succeeded')
  })
})

describe('a client that takes gzip, behind a middleware that compresses', () => {
  it('gets events without delay, while other replies are compressed', async () => {
    const service = await realServer({}, {}, (routes) =>
      createServer(expressApp(routes, express().use(compression({ threshold: 0 }))))
    )
    const { id, events, begun } = await begunTask(service)
    const headers = { 'accept-encoding': 'gzip' }
    const plain = await fetch(`${service.url}/${id}`, { headers })
    expect(plain.headers.get('content-encoding')).toBe('gzip')
    expect(((await plain.json()) as TicketStatus).status).toBe('running')

    const stream = await fetch(events, { headers })
    expect(stream.headers.get('content-encoding')).toBeNull()
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
    const next = async (): Promise<TicketStatus> => {
      const { value = '' } = await reader.read()
      return JSON.parse(/^data: (.+)$/m.exec(value)?.[1] ?? 'null') as TicketStatus
    }
    expect((await next()).status).toBe('running')
    begun.context.progress(0.5)
    await quiet()
    await service.clock.advance(250)
    expect((await next()).progress?.ratio).toBe(0.5)
    begun.open('done')
    expect((await next()).result).toBe('done')
    expect((await reader.read()).done).toBe(true)
  })
})
