/** Held requests over real sockets on every server: long polls and event streams. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { TicketStatus } from 'coatcheck/http'
import { EventSource } from 'eventsource'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventBlock } from './support/event-reader.js'
import { chunksOf, parse, post, type RawReply, readAll, request } from './support/raw.js'
import { Sides } from './support/sides.js'

let sides: Sides

beforeEach(async () => {
  sides = await Sides.open({ pool: { concurrency: 1, queueCapacity: 2 } })
})

afterEach(() => sides.close())

/** Submits a task, which starts, and returns its ticket. */
const handIn = async (label: string): Promise<string> =>
  (JSON.parse((await sides.send(post('/tasks', { label }))).body) as { readonly id: string }).id

/** Resolves when every server has received and handled one more request. */
const arrived = async (): Promise<void> => {
  await sides.each(({ server }) => once(server, 'request'))
  await sides.each(({ clock }) => clock.turn())
}

describe('Prefer: wait', () => {
  const wait = async (id: string, seconds: number): Promise<{ readonly reply: Promise<RawReply> }> => {
    const tag = (await sides.send(request(`GET /tasks/${id}`))).headers.get('etag')
    const here = arrived()
    const reply = sides.send(request(`GET /tasks/${id}`, [`If-None-Match: ${tag}`, `Prefer: wait=${seconds}`]))
    await here
    return { reply }
  }

  it('holds the request until the ticket has changed', async () => {
    const id = await handIn('a')
    const { reply } = await wait(id, 20)
    await sides.settle('a', id)
    const { status, headers, body } = await reply
    expect(status).toBe(200)
    expect(headers.get('preference-applied')).toBe('wait=20')
    expect(JSON.parse(body)).toMatchObject({ status: 'succeeded' })
  })

  it('answers 304 after its time', async () => {
    const id = await handIn('a')
    const { reply } = await wait(id, 20)
    await sides.each(({ clock }) => clock.advance(20_000))
    const { status, headers, body } = await reply
    expect(status).toBe(304)
    expect(headers.get('preference-applied')).toBe('wait=20')
    expect(headers.get('retry-after')).toBe('1')
    expect(body).toBe('')
  })

  it('K11 releases a client that leaves at once', async () => {
    const id = await handIn('a')
    const here = arrived()
    const sockets = sides.all.map(({ port }) => {
      const socket = connect(port, '127.0.0.1')
      socket.write(request(`GET /tasks/${id}`, ['Prefer: wait=20']))
      return socket
    })
    await here
    await sides.each(({ clock }) => expect(clock.timers()).toBe(1))
    for (const socket of sockets) socket.destroy()
    await sides.each(async ({ decided, clock, app }) => {
      expect(await decided.at(-1)).toMatchObject({ status: 200 })
      expect(clock.timers()).toBe(0)
      expect(app.pool.task(id)?.state).toBe('running')
    })
  })
})

describe('GET /tasks/:id/events', () => {
  const events = (id: string, headers: readonly string[] = []): Buffer => request(`GET /tasks/${id}/events`, headers)

  it('sends each change as one chunk, and ends after the last', async () => {
    const id = await handIn('a')
    const here = arrived()
    const streamed = sides.send(events(id))
    await here
    await sides.each(async ({ gates, clock }) => {
      await clock.advance(1_000)
      gates.gate('a').progress(0.5, 'half way')
      await clock.advance(15_000)
    })
    await sides.settle('a', id)
    const reply = await streamed
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('text/event-stream')
    expect(reply.headers.get('cache-control')).toBe('private, no-cache, no-transform')
    expect(reply.headers.get('x-accel-buffering')).toBe('no')
    expect(reply.headers.has('content-length')).toBe(false)
    const blocks = chunksOf(reply.body).map(eventBlock)
    expect(blocks.map(({ status }) => status?.status)).toEqual(['running', 'running', undefined, 'succeeded'])
    expect(blocks[0]?.fields).toMatchObject({ retry: '2000', event: 'status' })
    expect(blocks[1]?.status?.progress).toEqual({ ratio: 0.5, message: 'half way' })
    expect(blocks[2]?.text).toBe(':\n\n')
    expect(blocks[3]?.status?.result).toEqual({ label: 'a', workedMs: 1_000 })
    expect(reply.body.endsWith('0\r\n\r\n')).toBe(true)
  })

  it('answers 204 to a client that has the last event', async () => {
    const id = await handIn('a')
    await sides.settle('a', id)
    const first = await sides.send(events(id))
    const last = chunksOf(first.body).map(eventBlock).at(-1)
    expect(last?.status?.done).toBe(true)
    const reply = await sides.send(events(id, [`Last-Event-ID: ${last?.fields['id']}`]))
    expect(reply.status).toBe(204)
    expect(reply.body).toBe('')
    expect((await sides.send(events('none'))).status).toBe(404)
  })

  it('keeps the connection for the next request', async () => {
    const id = await handIn('a')
    await sides.settle('a', id)
    const alive = ['Connection: keep-alive']
    const reply = await sides.send(Buffer.concat([events(id, alive), request('GET /livez')]))
    expect(parse(reply.body.slice(reply.body.indexOf('HTTP/1.1'))).body).toBe('{"status":"ok"}')
  })

  it('can be read by an EventSource', async () => {
    const id = await handIn('a')
    await sides.each(async ({ port, gates, app }) => {
      const source = new EventSource(`http://127.0.0.1:${port}/tasks/${id}/events`)
      const states: string[] = []
      const done = new Promise<void>((resolve, reject) => {
        source.addEventListener('error', reject)
        source.addEventListener('status', ({ data, lastEventId }) => {
          const { status: state, revision, done: isDone } = JSON.parse(data as string) as TicketStatus
          expect(lastEventId).toBe(String(revision))
          states.push(state)
          if (isDone) resolve()
          else gates.end('a')
        })
      })
      await done.finally(() => source.close())
      expect(states).toEqual(['running', 'succeeded'])
      expect(app.pool.task(id)?.state).toBe('succeeded')
    })
  })

  /** Opens a stream on every server, and resolves after its first event. */
  const listen = async (id: string) => {
    const listening = sides.all.map(async (side) => {
      const closed = new Promise<void>((resolve) =>
        side.server.once('request', (_req, res) => res.once('close', resolve))
      )
      const socket = connect(side.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(events(id))
      await once(socket, 'readable')
      return { side, socket, closed }
    })
    return await Promise.all(listening)
  }

  it('K11 releases a client that leaves at once', async () => {
    const id = await handIn('a')
    for (const { side, socket, closed } of await listen(id)) {
      await side.clock.turn()
      expect(side.clock.timers()).toBe(1)
      socket.destroy()
      await closed
      await side.clock.turn()
      expect(side.clock.timers()).toBe(0)
      expect(side.app.pool.task(id)?.state).toBe('running')
    }
  })

  it('disconnects a reader that does not drain for 30 seconds', async () => {
    const id = await handIn('a')
    for (const { side, socket, closed } of await listen(id)) {
      // More than the system buffers for a connection that is not read.
      side.gates.resolve('a', { label: 'x'.repeat(12_000_000), workedMs: 1 })
      await side.app.pool.task(id)?.settled()
      await side.clock.advance(29_999)
      expect(socket.closed).toBe(false)
      await side.clock.advance(1)
      await closed
      const text = await readAll(socket)
      expect(text.length).toBeLessThan(12_000_000)
      expect(text.endsWith('0\r\n\r\n')).toBe(false)
    }
  })
})

describe('stopping', () => {
  /** Sends a request that every server holds. */
  const held = async (bytes: Buffer) => {
    const finished = sides.all.map(
      ({ server }) => new Promise<void>((resolve) => server.once('request', (_req, res) => res.once('close', resolve)))
    )
    const here = arrived()
    const reply = sides.send(bytes)
    await here
    return { reply, finished: Promise.all(finished) }
  }

  const alive = ['Connection: keep-alive']

  it('ends held requests with the last status, and lets the server close', async () => {
    const id = await handIn('a')
    const poll = await held(request(`GET /tasks/${id}`, [...alive, 'Prefer: wait=20']))
    const stream = await held(request(`GET /tasks/${id}/events`, alive))
    const stops = sides.all.map(({ app }) => app.pool.stop({ graceMs: 10_000 }))
    await sides.settle('a', id)
    expect(await Promise.all(stops)).toEqual(sides.all.map(() => expect.objectContaining({ succeeded: 1 })))

    const { status, headers, body } = await poll.reply
    expect(status).toBe(200)
    expect(headers.get('connection')).toBe('close')
    expect(JSON.parse(body)).toMatchObject({ status: 'succeeded', done: true })
    await stream.finished
    await sides.each(async ({ server, clock }) => {
      const closed = once(server, 'close')
      server.close()
      await closed
      expect(clock.timers()).toBe(0)
    })
    const blocks = chunksOf((await stream.reply).body).map(eventBlock)
    expect(blocks.at(-1)?.status).toMatchObject({ status: 'succeeded', done: true })
  })

  it('ends held requests for a task that never ends', async () => {
    const id = await handIn('deaf')
    const poll = await held(request(`GET /tasks/${id}`, [...alive, 'Prefer: wait=20']))
    const stream = await held(request(`GET /tasks/${id}/events`, alive))
    await sides.each(async ({ app, clock }) => {
      const stopped = app.pool.stop({ graceMs: 0, forceMs: 1_000 })
      await clock.advance(1_000)
      expect((await stopped).interrupted).toEqual({ count: 1, ids: [id] })
    })
    expect((await poll.reply).status).toBe(200)
    await stream.finished
    await sides.each(async ({ server }) => {
      const closed = once(server, 'close')
      server.close()
      await closed
    })
    expect((await stream.reply).body.endsWith('0\r\n\r\n')).toBe(true)
  })
})
