/** Readers of event streams that are not ours, on our routes as they are. */
import { createServer } from 'node:http'
import type { TicketStatus } from 'coatcheck/http'
import compression from 'compression'
import { EventSource } from 'eventsource'
import express from 'express'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { expressApp } from '../http/support/carriers.js'
import { quiet } from './support/counter.js'
import { realDesk, until } from './support/real-desk.js'

afterEach(() => {
  vi.useRealTimers()
})

/** A task that has begun, and where its events are. */
async function begunTask(desk: Awaited<ReturnType<typeof realDesk>>) {
  const { pool, url, begun, origin } = desk
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  const { id, links } = (await response.json()) as TicketStatus
  await until(() => begun.length === 1)
  expect(links.events).toBe(`/tasks/${id}/events`)
  return { id, events: `${origin}${links.events}`, task: pool.task(id), begun: begun[0]! }
}

describe('an EventSource', () => {
  it('is told each change, the end once, and stops by itself at the 204 when it comes back', async () => {
    const desk = await realDesk()
    const { events, begun, task } = await begunTask(desk)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }) // by which it waits before it comes back
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
    await desk.clock.advance(250)
    await until(() => seen.length === 2)
    expect(seen[1]?.progress).toEqual({ ratio: 0.5, message: 'half way' })
    begun.open('done')
    await task?.settled()
    await until(() => breaks === 1)
    expect(seen.map(({ status }) => status)).toEqual(['running', 'running', 'succeeded'])
    expect(seen.at(-1)?.result).toBe('done')
    expect(ids).toEqual(seen.map(({ revision }) => String(revision)))
    expect(source.readyState).toBe(EventSource.CONNECTING)

    const asked = desk.lines.length
    vi.advanceTimersByTime(1_999)
    await quiet()
    expect(desk.lines).toHaveLength(asked)
    vi.advanceTimersByTime(1)
    await until(() => source.readyState === EventSource.CLOSED)
    expect(desk.lines.slice(asked)).toEqual(['GET /tasks/ticket/events'])
    vi.advanceTimersByTime(60_000)
    await quiet()
    expect(desk.lines).toHaveLength(asked + 1)
    expect(seen).toHaveLength(3)
  })

  it('whose connection breaks comes back and misses nothing but what was overtaken', async () => {
    const desk = await realDesk()
    const { events, begun } = await begunTask(desk)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const source = new EventSource(events)
    onTestFinished(() => source.close())
    const seen: TicketStatus[] = []
    let breaks = 0
    source.addEventListener('status', ({ data }) => void seen.push(JSON.parse(data)))
    source.addEventListener('error', () => void breaks++)
    await until(() => seen.length === 1)
    desk.server.closeAllConnections()
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
  it('gets events as they happen, while other replies are compressed', async () => {
    const desk = await realDesk({}, {}, (routes) =>
      createServer(expressApp(routes, express().use(compression({ threshold: 0 }))))
    )
    const { id, events, begun } = await begunTask(desk)
    const headers = { 'accept-encoding': 'gzip' }
    const plain = await fetch(`${desk.url}/${id}`, { headers })
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
    await desk.clock.advance(250)
    expect((await next()).progress?.ratio).toBe(0.5)
    begun.open('done')
    expect((await next()).result).toBe('done')
    expect((await reader.read()).done).toBe(true)
  })
})
