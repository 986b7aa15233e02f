/** `GET /tasks/<ticket>/events`: each change as an event. The test drives clock, tasks and reader. */
import { getEventListeners } from 'node:events'
import type { Task } from 'coatcheck'
import { type TicketPool, ticketRoutes } from 'coatcheck/http'
import { describe, expect, it, vi } from 'vitest'
import { gate } from '../../support/gate.js'
import { EventReader } from '../support/event-reader.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { type Begun, type ClientRequest, type ServiceOptions, service } from '../support/service.js'

/** A service, and a client that opens a stream. */
const streaming = (options: ServiceOptions = {}) => {
  const opened = service(options)
  const send = (task: Task, headers = {}): Promise<ClientRequest> =>
    opened.send(`GET /tasks/${task.id}/events`, headers)

  /** Opens a stream and reads each piece at once. */
  const listen = async (task: Task, headers = {}): Promise<EventReader> => {
    const reader = new EventReader((await send(task, headers)).reply)
    void reader.takeAll()
    await opened.clock.turn()
    return reader
  }

  return { ...opened, askEvents: send, listen }
}

const revisions = (reader: EventReader): unknown[] => reader.pieces.map(({ fields }) => Number(fields['id']))
const comments = (reader: EventReader): number => reader.pieces.filter(({ text }) => text === ':\n\n').length

describe('a stream of events', () => {
  it('has headers that stop proxies and compression from buffering', async () => {
    const { begin, askEvents } = streaming()
    const { task } = await begin()
    const { reply } = await askEvents(task)
    expect(reply).toMatchObject({ status: 200, close: false })
    expect(reply?.headers).toEqual({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'private, no-cache, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer'
    })
  })

  it('begins with the reconnection time and the current status, the same as that of the ticket', async () => {
    const { begin, send, listen } = streaming()
    const { task, progress } = await begin({ name: 'resize' })
    await progress(0.5, 'half\nway\r\n\u2028')
    const { pieces } = await listen(task)
    expect(pieces).toHaveLength(1)
    expect(pieces[0]?.text).toMatch(/^retry: 2000\nevent: status\nid: \d+\ndata: \{.*\}\n\n$/s)
    expect(pieces[0]?.fields['id']).toBe(String(task.record().revision))
    expect(pieces[0]?.status).toEqual(jsonOf((await send(`GET /tasks/${task.id}`)).reply))
    expect(pieces[0]?.status?.links.events).toBe(`/tasks/${task.id}/events`)
  })

  it.each([
    [0, 'retry: 2000\n'],
    [0.5, 'retry: 2500\n'],
    [0.999_999, 'retry: 2999\n']
  ])('spreads the reconnection times by up to a second: %d is %j', async (random, retry) => {
    const { begin, listen } = streaming({ random: () => random })
    const { pieces } = await listen((await begin()).task)
    expect(pieces[0]?.text.startsWith(retry)).toBe(true)
  })

  it('sends each change, and ends after the last', async () => {
    const { clock, begin, listen } = streaming()
    const { task, progress, end } = await begin()
    const reader = await listen(task)
    await clock.advance(1_000)
    await progress(0.5)
    expect(reader.last?.status).toMatchObject({ status: 'running', progress: { ratio: 0.5 } })
    expect(reader.last?.text).toMatch(/^event: status\nid: /)
    await clock.advance(1_000)
    await end('ok')
    expect(reader.last?.status).toMatchObject({ status: 'succeeded', done: true, result: 'ok', pollAfterMs: null })
    expect(reader.isOver).toBe(true)
    expect(reader.pieces).toHaveLength(3)
    expect(clock.timers()).toBe(0)
  })

  it('leaves no listener on the signal of its client after its end', async () => {
    const { clock, begin, askEvents } = streaming()
    const { task, end } = await begin()
    const { reply, signal } = await askEvents(task)
    const reader = new EventReader(reply)
    void reader.takeAll()
    await clock.turn()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await end('ok')
    expect(reader.isOver).toBe(true)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('sends the start and the failure of a queued task, with its error', async () => {
    const { clock, pool, begin, listen } = streaming({ pool: { concurrency: 1 } })
    const { end } = await begin()
    const task = pool.queueTask(() => Promise.reject(Object.assign(new Error('secret'), { code: 'E_PAPER' })))
    const reader = await listen(task)
    expect(reader.last?.status).toMatchObject({ status: 'queued', position: 1 })
    await clock.advance(1_000)
    await end()
    expect(reader.last?.status).toMatchObject({
      status: 'failed',
      error: { code: 'E_PAPER', message: 'the task failed' }
    })
    expect(reader.isOver).toBe(true)
    expect(reader.last?.text).not.toContain('secret')
  })

  it('sends the status of a finished ticket once, and ends', async () => {
    const { begin, listen } = streaming()
    const { task, end } = await begin()
    await end()
    const reader = await listen(task)
    expect(reader.pieces).toHaveLength(1)
    expect(reader.pieces[0]?.text).toMatch(/^retry: 2000\n/)
    expect(reader.isOver).toBe(true)
  })

  it('sends a comment each 15 seconds', async () => {
    const { clock, begin, listen } = streaming()
    const { task, progress, end } = await begin()
    const reader = await listen(task)
    await clock.advance(14_999)
    expect(comments(reader)).toBe(0)
    await clock.advance(1)
    expect(comments(reader)).toBe(1)
    await clock.advance(10_000)
    await progress(0.5)
    await clock.advance(5_000)
    expect(comments(reader)).toBe(2)
    await clock.advance(60_000)
    expect(comments(reader)).toBe(6)
    await end()
    expect(reader.pieces).toHaveLength(1 + 6 + 2)
  })

  it('is the same 404 for every unknown ticket', async () => {
    const { send } = streaming()
    const usual = (await send('GET /tasks/none')).reply
    for (const segment of ['none', '', '%', '..', '%00', 'a'.repeat(200)]) {
      expect((await send(`GET /tasks/${segment}/events`)).reply, segment).toEqual(usual)
    }
  })

  it('exists for GET only, whatever the ticket', async () => {
    const { begin, send } = streaming()
    const { task } = await begin()
    for (const method of ['HEAD', 'POST', 'DELETE', 'PUT']) {
      const { reply } = await send(`${method} /tasks/${task.id}/events`)
      expect(reply).toMatchObject({ status: 405, headers: { Allow: 'GET, OPTIONS' } })
      expect((await send(`${method} /tasks/none/events`)).reply).toEqual(reply)
    }
    expect((await send('OPTIONS /tasks/none/events')).reply).toMatchObject({ status: 204 })
  })

  it('exists for tickets only: a ticket may have the id "events"', async () => {
    const { pool, send, listen } = streaming()
    const task = pool.queueTask(() => 1, { id: 'events' })
    expect(jsonOf((await send('GET /tasks/events')).reply)).toMatchObject({ id: 'events' })
    expect((await listen(task)).last?.status).toMatchObject({ id: 'events' })
    for (const path of ['/tasks/events/', '/tasks/events/events/events', '/events', '/a/b/events', '/tasks/x/Events']) {
      expect((await send(`GET ${path}`)).reply, path).toBeUndefined()
    }
  })
})

describe('how fast events come', () => {
  it('is at most four a second, each with the newest status', async () => {
    const { clock, begin, listen } = streaming()
    const { task, progress } = await begin()
    const reader = await listen(task)
    for (let step = 1; step <= 200; step++) {
      await progress(step / 1_000)
      await clock.advance(10)
    }
    const told = reader.pieces.map(({ status }) => status?.progress?.ratio)
    expect(told).toEqual([undefined, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2])
  })

  it('delays neither the first change after a pause nor the last one', async () => {
    const { clock, begin, listen } = streaming()
    const { task, progress, end } = await begin()
    const reader = await listen(task)
    await clock.advance(250)
    await progress(0.1)
    expect(reader.pieces).toHaveLength(2)
    await progress(0.2)
    expect(reader.pieces).toHaveLength(2)
    await end()
    expect(reader.pieces).toHaveLength(3)
    expect(reader.last?.status?.done).toBe(true)
    expect(reader.isOver).toBe(true)
  })

  it('sends no revision twice', async () => {
    const { clock, begin, listen } = streaming()
    const { task, progress, end } = await begin()
    const reader = await listen(task)
    for (let step = 1; step <= 50; step++) {
      await progress(step / 100)
      await clock.advance(step * 7)
    }
    await end()
    const told = revisions(reader).filter((revision) => !Number.isNaN(revision))
    expect(told).toEqual([...new Set(told)].sort((a, b) => Number(a) - Number(b)))
    expect(told.length).toBeGreaterThan(20)
  })
})

describe('a client that reconnects', () => {
  it('with the final revision gets 204, after which an EventSource does not reconnect', async () => {
    const { begin, askEvents } = streaming()
    const { task, end } = await begin()
    await end()
    const { reply } = await askEvents(task, { 'last-event-id': String(task.record().revision) })
    expect(reply).toMatchObject({ status: 204 })
    expect(reply?.body).toBeUndefined()
    expect(reply?.headers).not.toHaveProperty('Content-Length')
  })

  it('with any other gets the current status', async () => {
    const { begin, listen } = streaming()
    const { task, end } = await begin()
    const { revision } = task.record()
    expect((await listen(task, { 'last-event-id': String(revision) })).pieces).toHaveLength(1)
    await end()
    for (const id of [String(revision), '', 'x', `${task.record().revision}.0`, `0${task.record().revision}`]) {
      const reader = await listen(task, { 'last-event-id': id })
      expect(reader.last?.status?.done, id).toBe(true)
    }
  })
})

describe('the limits', () => {
  const owner: ServiceOptions['owner'] = ({ headers }) => headers['x-user'] as string | undefined

  const expectOver = (reader: EventReader): void => {
    expect(reader.pieces).toHaveLength(1)
    expect(reader.pieces[0]?.text).toMatch(/^retry: 5000\nevent: status\nid: \d+\ndata: /)
    expect(reader.isOver).toBe(true)
  }

  it('bound the streams of a ticket: one more gets the status and a reconnection time', async () => {
    const { begin, listen } = streaming({ streams: { perTicket: 2 } })
    const [{ task }, { task: other }] = [await begin(), await begin()]
    const [first, second] = [await listen(task), await listen(task)]
    expectOver(await listen(task))
    expect((await listen(other)).isOver).toBe(false)
    expect([first.isOver, second.isOver]).toEqual([false, false])
    await first.leave()
    expect((await listen(task)).isOver).toBe(false)
    expectOver(await listen(task))
  })

  it('bound the streams of an owner, and all of them', async () => {
    const { begin, listen } = streaming({ owner, streams: { perOwner: 1, total: 2 } })
    const [{ task }, { task: other }] = [await begin(), await begin()]
    expect((await listen(task, { 'x-user': 'ada' })).isOver).toBe(false)
    expectOver(await listen(other, { 'x-user': 'ada' }))
    const bobs = await listen(other, { 'x-user': 'bob' })
    expectOver(await listen(other, { 'x-user': 'eve' }))
    await bobs.leave()
    expect((await listen(other, { 'x-user': 'eve' })).isOver).toBe(false)
  })

  it('do not bound owners without the hook', async () => {
    const { begin, listen } = streaming({ streams: { perOwner: 1 } })
    const { task } = await begin()
    expect((await listen(task)).isOver).toBe(false)
    expect((await listen(task)).isOver).toBe(false)
  })

  it('do not count finished tickets and long polls', async () => {
    const { begin, send, listen } = streaming({ streams: { total: 1 }, longPolls: { total: 1 } })
    const [running, done] = [await begin(), await begin()]
    await done.end()
    expect((await listen(running.task)).isOver).toBe(false)
    const reader = await listen(done.task)
    expect(reader.pieces[0]?.text).toMatch(/^retry: 2000\n/)
    const poll = await send(`GET /tasks/${running.task.id}`, { prefer: 'wait=20' })
    expect(poll.reply).toBeUndefined()
  })

  it('count a stream from the read of its first piece', async () => {
    const { clock, begin, askEvents, listen } = streaming({ streams: { total: 1 } })
    const { task } = await begin()
    await askEvents(task)
    const reader = await listen(task)
    expect(reader.isOver).toBe(false)
    await reader.leave()
    expect(clock.timers()).toBe(0)
  })
})

describe('a client that leaves', () => {
  const left = async (leave: (sent: ClientRequest, reader: EventReader) => unknown): Promise<void> => {
    const { clock, begin, askEvents, listen } = streaming({ streams: { total: 1 } })
    const { task } = await begin()
    const sent = await askEvents(task)
    const reader = new EventReader(sent.reply)
    void reader.takeAll()
    await clock.turn()
    expect(reader.pieces).toHaveLength(1)
    expect(clock.timers()).toBe(1)
    await leave(sent, reader)
    await clock.turn()
    expect(reader.isOver).toBe(true)
    expect(reader.pieces).toHaveLength(1)
    expect(clock.timers()).toBe(0)
    expect(getEventListeners(sent.signal, 'abort')).toHaveLength(0)
    expect(task.state).toBe('running')
    expect((await listen(task)).isOver).toBe(false)
  }

  it('K11 is released at once when its signal aborts', () => left((asked) => asked.leave()))

  it('K11 is released at once when the iteration over its pieces ends', () => left((_, reader) => reader.leave()))

  it('K11 is released while a piece is produced', async () => {
    const { clock, begin, askEvents, listen } = streaming({ streams: { total: 1 } })
    const { task } = await begin()
    const sent = await askEvents(task)
    const reader = new EventReader(sent.reply)
    await reader.take() // and does not read the next
    expect([clock.timers(), clock.timers('alive')]).toEqual([1, 0])
    sent.leave()
    await clock.turn()
    expect(clock.timers()).toBe(0)
    expect((await listen(task)).isOver).toBe(false)
    await reader.take()
    expect(reader.isOver).toBe(true)
    expect(sent.reply?.signal?.aborted).toBe(false)
  })

  it('K11 at the same time as a change is released too', async () => {
    const { clock, pool, askEvents, listen } = streaming({ streams: { total: 1 } })
    pool.pause()
    const [task, other] = [pool.queueTask(() => 1), pool.queueTask(() => 1)]
    const sent = await askEvents(task)
    const reader = new EventReader(sent.reply)
    await reader.take()
    const next = reader.take()
    await clock.advance(1_000)
    expect([clock.timers(), clock.timers('alive')]).toEqual([1, 0])
    task.cancel()
    sent.leave()
    await next
    expect(clock.timers()).toBe(0)
    await reader.take()
    expect(reader.isOver).toBe(true)
    expect((await listen(other)).isOver).toBe(false)
  })

  it('K11 before its stream is opened gets no piece', async () => {
    const { clock, begin, routes } = streaming()
    const { task } = await begin()
    const reply = await routes.handle(requestTo(`GET /tasks/${task.id}/events`, { signal: AbortSignal.abort() }))
    const reader = new EventReader(reply)
    await reader.take()
    expect(reader.isOver).toBe(true)
    expect(reader.pieces).toEqual([])
    expect(clock.timers()).toBe(0)
  })
})

describe('a reader that does not drain', () => {
  const slow = async () => {
    const opened = streaming({ streams: { total: 1 } })
    const begun = await opened.begin()
    const sent = await opened.askEvents(begun.task)
    const reader = new EventReader(sent.reply)
    await reader.take()
    return { ...opened, ...begun, sent, reader }
  }

  it('has no pieces produced, and then gets only the newest status', async () => {
    const { clock, task, progress, reader } = await slow()
    for (let step = 1; step <= 100; step++) {
      await progress(step / 100)
      await clock.advance(290)
    }
    expect(reader.pieces).toHaveLength(1)
    await reader.take()
    expect(reader.last?.status).toMatchObject({ progress: { ratio: 1 }, revision: task.record().revision })
    expect(clock.timers()).toBe(1)
  })

  it('has no timer but that of the drain', async () => {
    const { clock, progress, reader } = await slow()
    const next = reader.take()
    await clock.advance(1_000)
    await progress(0.5)
    await next
    expect(clock.timers()).toBe(1)
  })

  it('is disconnected after 30 seconds, and no longer counted', async () => {
    const { clock, task, sent, reader, listen } = await slow()
    await clock.advance(29_999)
    expect(sent.reply?.signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(sent.reply?.signal?.aborted).toBe(true)
    expect(clock.timers()).toBe(0)
    expect(getEventListeners(sent.signal, 'abort')).toHaveLength(0)
    await reader.take()
    expect(reader.isOver).toBe(true)
    expect((await listen(task)).isOver).toBe(false)
  })

  it('has 30 seconds for each piece, comments among them', async () => {
    const { clock, sent, reader } = await slow()
    await clock.advance(29_000)
    await reader.take()
    expect(comments(reader)).toBe(1)
    await clock.advance(29_999)
    expect(sent.reply?.signal?.aborted).toBe(false)
    await clock.advance(1)
    expect(sent.reply?.signal?.aborted).toBe(true)
  })

  it('is disconnected also after the last event and over the limits', async () => {
    const { clock, task, end, askEvents } = await slow()
    const over = await askEvents(task)
    await new EventReader(over.reply).take()
    await end()
    const done = await askEvents(task)
    await new EventReader(done.reply).take()
    await clock.advance(30_000)
    expect([over.reply?.signal?.aborted, done.reply?.signal?.aborted]).toEqual([true, true])
    expect(clock.timers()).toBe(0)
  })
})

describe('a stop', () => {
  it('K19 keeps streams open for their tickets, and ends them with the last status', async () => {
    const { clock, pool, begin, listen } = streaming()
    const running: Begun[] = [await begin(), await begin()]
    const readers = await Promise.all(running.map(({ task }) => listen(task)))
    const stopped = pool.stop({ graceMs: 1_000, forceMs: 1_000 })
    await clock.turn()
    expect(readers.map(({ isOver }) => isOver)).toEqual([false, false])
    await running[0]?.end('ok')
    expect(readers[0]?.last?.status?.status).toBe('succeeded')
    await clock.advance(2_000)
    await stopped
    await clock.turn()
    expect(readers[1]?.last?.status).toMatchObject({ status: 'failed', error: { code: 'TASK_INTERRUPTED' } })
    expect(readers.map(({ isOver }) => isOver)).toEqual([true, true])
    expect(clock.timers()).toBe(0)
  })

  it('ends the streams of a task that stays queued, with its last status', async () => {
    const { clock, begin } = service()
    const { task, progress } = await begin()
    const closed = gate<unknown>()
    const pool: TicketPool = {
      state: 'stopping',
      closed: closed.promise,
      task: () => task,
      tasks: () => [task],
      cancel: () => 'unknown'
    }
    const routes = ticketRoutes(pool, { clock })
    const open = async (): Promise<EventReader> =>
      new EventReader(await routes.handle(requestTo(`GET /tasks/${task.id}/events`)))
    const reader = await open()
    void reader.takeAll()
    await clock.turn()
    await progress(0.5) // delayed by a quarter of a second
    expect(reader.pieces).toHaveLength(1)
    closed.open(undefined)
    await clock.turn()
    expect(reader.last?.status).toMatchObject({ status: 'running', progress: { ratio: 0.5 } })
    expect(reader.isOver).toBe(true)
    const late = await open()
    await late.takeAll()
    expect(late.pieces).toHaveLength(1)
    expect(clock.timers()).toBe(0)
  })
})

describe('a stream', () => {
  /** A pool with one task, which a test has modified. */
  const poolOf = (task: Task, closed: Promise<unknown> = gate().promise): TicketPool => ({
    state: 'running',
    closed,
    task: () => task,
    tasks: () => [task],
    cancel: () => 'unknown'
  })

  it('sends an end that comes together with that of the pool', async () => {
    const { clock, pool } = service()
    pool.pause()
    const task = pool.queueTask(() => 1)
    const closed = gate<unknown>()
    const routes = ticketRoutes(poolOf(task, closed.promise), { clock })
    const reader = new EventReader(await routes.handle(requestTo(`GET /tasks/${task.id}/events`)))
    void reader.takeAll()
    await clock.turn()
    closed.open(undefined)
    task.cancel()
    await clock.turn()
    expect(reader.last?.status?.status).toBe('canceled')
    expect(reader.isOver).toBe(true)
  })

  it('requests the next change once, however long there is none', async () => {
    const { clock, begin } = service()
    const { task } = await begin()
    let sent = 0
    const next = (): Promise<never> => {
      sent++
      return gate<never>().promise
    }
    const silent = Object.create(task, {
      record: { value: () => task.record() },
      changes: { value: () => ({ [Symbol.asyncIterator]: () => ({ next }) }) }
    }) as Task
    const routes = ticketRoutes(poolOf(silent), { clock })
    const reader = new EventReader(await routes.handle(requestTo(`GET /tasks/${task.id}/events`)))
    void reader.takeAll()
    await clock.advance(60_000)
    expect(comments(reader)).toBe(4)
    expect(sent).toBe(1)
    await reader.leave()
    await clock.turn()
    expect(reader.isOver).toBe(true)
  })

  it('stops following its task when its reader leaves', async () => {
    const { clock, begin, askEvents } = streaming()
    const { task } = await begin()
    const changes = vi.spyOn(task, 'changes')
    const sent = await askEvents(task)
    const reader = new EventReader(sent.reply)
    void reader.takeAll()
    await clock.turn()
    const signal = changes.mock.calls[0]?.[0]?.signal
    expect(signal?.aborted).toBe(false)
    sent.leave()
    expect(signal?.aborted).toBe(true)
  })

  it('ends like any iterator when its reader returns', async () => {
    const { begin, askEvents } = streaming()
    const { task } = await begin()
    const pieces = (await askEvents(task)).reply?.body as AsyncIterableIterator<string>
    expect((await pieces.next()).done).toBe(false)
    expect(await pieces.return?.()).toEqual({ value: undefined, done: true })
    expect(await pieces.next()).toEqual({ value: undefined, done: true })
  })

  it('that fails ends with its error, which goes to onError', async () => {
    const { clock, begin, errors } = service()
    const { task } = await begin()
    const bug = new Error('bug')
    let isBroken = false
    const broken = new Proxy(task, {
      get: (_, name) => {
        if (isBroken && name === 'record') throw bug
        const value: unknown = Reflect.get(task, name)
        return typeof value === 'function' ? value.bind(task) : value
      }
    })
    const routes = ticketRoutes(poolOf(broken), { clock, onError: (error) => void errors.push(error) })
    const { signal } = new AbortController()
    const reader = new EventReader(await routes.handle(requestTo(`GET /tasks/${task.id}/events`, { signal })))
    await reader.take()
    isBroken = true
    const next = reader.take().catch((error: unknown) => error)
    await clock.advance(15_000)
    expect(await next).toBe(bug)
    expect(errors).toEqual([bug])
    expect(clock.timers()).toBe(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})
