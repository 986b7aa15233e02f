/** The end of a server, step by step: time and signals are in the test's hand, the sockets are real. */
import { EventEmitter, once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { StopReport } from 'coatcheck'
import { type ListenOptions, nodeListener, type Shutdown, type StoppablePool } from 'coatcheck/node-http'
import express from 'express'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Application, application } from '../../../examples/demo/application.js'
import { ticketServer } from '../../../examples/demo/ticket-server.js'
import { listenUntil } from '../../../src/adapters/node-http/listen-until-signal.js'
import { lost } from '../../../src/adapters/node-http/shutdown.js'
import { systemTimers, type Timers } from '../../../src/adapters/node-http/timers.js'
import { CountingClock } from '../../http/support/counting-clock.js'
import { eventBlock } from '../../http/support/event-reader.js'
import { Gates } from '../../http/support/gates.js'
import { chunksOf, exchange, parse, post, type RawReply, readAll, request } from '../../http/support/raw.js'
import { gate } from '../../support/gate.js'
import { microtasks } from '../../support/manual-clock.js'

/** Time for the shutdown: stands still until it is moved. */
class HandClock implements Timers {
  #now = 0
  readonly #due = new Map<() => void, number>()
  /** What is called back again and again. */
  readonly repeated = new Set<() => void>()
  #set = (): void => {}

  now(): number {
    return this.#now
  }

  after(ms: number, then: () => void): () => void {
    this.#due.set(then, this.#now + ms)
    this.#set()
    return () => this.#due.delete(then)
  }

  every(_ms: number, then: () => void): () => void {
    this.repeated.add(then)
    return () => this.repeated.delete(then)
  }

  /** Resolves when something waits for this many milliseconds from now. */
  async waitedFor(ms: number): Promise<void> {
    while (![...this.#due.values()].includes(this.#now + ms)) {
      await new Promise<void>((resolve) => {
        this.#set = resolve
      })
    }
  }

  advance(ms: number): void {
    this.#now += ms
    for (const [then, at] of [...this.#due]) {
      if (at > this.#now) continue
      this.#due.delete(then)
      then()
    }
  }

  get pending(): number {
    return this.#due.size
  }
}

/** The process: signals, exit codes and a parent in the test's hand. */
class HandProcess extends EventEmitter {
  ppid = 7
  env: Readonly<Record<string, string>> = {}
  readonly exits: number[] = []

  exit(code: number): void {
    this.exits.push(code)
  }
}

const none = { count: 0, ids: [] }
const report: StopReport = {
  reason: 'x',
  durationMs: 1,
  succeeded: 5,
  failed: 1,
  canceled: 1,
  unstarted: none,
  aborted: none,
  interrupted: none,
  left: none,
  unrecorded: 0
}

interface Stage {
  readonly app: Application
  readonly gates: Gates
  readonly port: number
  readonly clock: HandClock
  readonly poolClock: CountingClock
  readonly signals: HandProcess
  readonly shutdown: Shutdown
  readonly exits: number[]
  readonly stops: unknown[]
  readonly closed: Promise<unknown>
  readonly ask: (bytes: Buffer) => Promise<RawReply>
}

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const open = async (options: ListenOptions = {}, signals = new HandProcess()): Promise<Stage> => {
  const gates = new Gates()
  const clock = new HandClock()
  const poolClock = new CountingClock()
  const stops: unknown[] = []
  const app = application({
    work: gates.work,
    pool: { clock: poolClock, onUnobservedError: () => {} },
    closing: () => shutdown.begun
  })
  const server = ticketServer(nodeListener(app))
  const closed = once(server, 'close')
  const pool: StoppablePool = {
    stop: (given) => {
      stops.push(given)
      return app.pool.stop(given)
    }
  }
  const shutdown: Shutdown = listenUntil(signals, clock, server, pool, { port: 0, host: '127.0.0.1', ...options })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const ask = (bytes: Buffer): Promise<RawReply> => exchange(port, bytes)
  return { app, gates, port, clock, poolClock, signals, shutdown, exits: signals.exits, stops, closed, ask }
}

const idOf = (reply: RawReply): string => (JSON.parse(reply.body) as { readonly id: string }).id

/** An open keep-alive connection, after one answered request. */
const keepAlive = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  socket.write(request('GET /livez', ['Connection: keep-alive']))
  await once(socket, 'data')
  return socket
}

describe('an idle server', () => {
  it('ends with code 0 at the first signal, without waiting for anything', async () => {
    const { signals, stops, exits, closed, port, clock, shutdown } = await open()
    const idle = await keepAlive(port)
    const gone = once(idle, 'close')
    signals.emit('SIGTERM', 'SIGTERM')
    expect(shutdown.begun).toBe(true)
    await closed
    await gone
    expect(await shutdown.begin()).toBe(0)
    expect(exits).toEqual([0])
    expect(stops).toEqual([{ graceMs: 17_000, forceMs: 5_000, reason: 'SIGTERM' }])
    expect(clock.pending).toBe(0)
    expect(signals.eventNames()).toEqual([])
  })

  it('ends the same way when it is told to, once', async () => {
    const { shutdown, exits, stops } = await open({ graceMs: 1, forceMs: 2 })
    const [first, second] = [shutdown.begin('tired'), shutdown.begin('again')]
    expect(await first).toBe(0)
    expect(await second).toBe(0)
    expect(exits).toEqual([0])
    expect(stops).toEqual([{ graceMs: 1, forceMs: 2, reason: 'tired' }])
  })
})

describe('a busy server', () => {
  it('serves tickets until its tasks have ended, then makes a last call, then closes', async () => {
    const { signals, gates, app, ask, clock, exits, closed } = await open()
    const id = idOf(await ask(post('/tasks', { label: 'a' })))
    signals.emit('SIGINT', 'SIGINT')
    await microtasks()
    expect(app.pool.state).toBe('stopping')

    const running = await ask(request(`GET /tasks/${id}`, ['Connection: keep-alive']))
    expect(running).toMatchObject({ status: 200 })
    expect(running.headers.get('connection')).toBe('close')
    expect((await ask(post('/tasks', { label: 'b' }))).status).toBe(503)
    expect((await ask(request('GET /readyz'))).status).toBe(503)

    gates.end('a')
    await clock.waitedFor(1_200)
    expect(app.pool.state).toBe('stopped')
    const done = await ask(request(`GET /tasks/${id}`))
    expect(JSON.parse(done.body)).toMatchObject({ status: 'succeeded' })
    expect(exits).toEqual([])
    clock.advance(1_200)
    await closed
    await expect.poll(() => exits).toEqual([0])
  })

  it('ends with code 1 when the grace was too short, every ticket in its final state', async () => {
    const { signals, app, ask, clock, poolClock, exits, closed, gates } = await open({ graceMs: 100, forceMs: 50 })
    const ids: string[] = []
    for (let index = 0; index < 10; index++)
      ids.push(idOf(await ask(post('/tasks', { label: index === 0 ? 'deaf' : `${index}` }))))
    ids.push(idOf(await ask(post('/tasks', { label: 'queued' }))))
    signals.emit('SIGTERM', 'SIGTERM')
    await microtasks()
    await poolClock.advance(100)
    await poolClock.advance(50)
    await clock.waitedFor(1_200)
    const states = await Promise.all(
      ids.map(async (id) => (JSON.parse((await ask(request(`GET /tasks/${id}`))).body) as { status: string }).status)
    )
    expect(states).toEqual(['failed', ...Array<string>(10).fill('canceled')])
    clock.advance(1_200)
    await closed
    await expect.poll(() => exits).toEqual([1])
    expect(app.pool.stats().totals).toMatchObject({ accepted: 11, canceled: 10, failed: 1 })
    gates.end('deaf')
  })

  it('K19 ends open long polls and streams with the last status, then closes', async () => {
    const { signals, app, ask, port, clock, poolClock, exits, closed, gates } = await open({
      graceMs: 100,
      forceMs: 50
    })
    const id = idOf(await ask(post('/tasks', { label: 'deaf' })))
    const alive = ['Connection: keep-alive']
    const sockets = [
      request(`GET /tasks/${id}/events`, alive),
      request(`GET /tasks/${id}`, ['Prefer: wait=25', ...alive])
    ].map((bytes) => {
      const socket = connect(port, '127.0.0.1')
      socket.write(bytes)
      return socket
    })
    const replies = sockets.map(readAll)
    await keepAlive(port) // by now the two requests before have arrived as well
    signals.emit('SIGTERM', 'SIGTERM')
    await microtasks()
    expect(app.pool.state).toBe('stopping')
    await poolClock.advance(100)
    expect(sockets.map(({ closed: isClosed }) => isClosed)).toEqual([false, false])
    await poolClock.advance(50)
    await clock.waitedFor(1_200)
    clock.advance(1_200)
    await closed
    const [events = '', poll = ''] = await Promise.all(replies)
    expect(chunksOf(parse(events).body).map(eventBlock).at(-1)?.status).toMatchObject({ status: 'failed', done: true })
    expect(events.endsWith('0\r\n\r\n')).toBe(true)
    expect(JSON.parse(parse(poll).body)).toMatchObject({ status: 'failed', error: { code: 'TASK_INTERRUPTED' } })
    await expect.poll(() => exits).toEqual([1])
    gates.end('deaf')
  })

  it('goes on taking work for the delay, while it says that it is not ready', async () => {
    const { signals, app, ask, clock, stops, closed, gates } = await open({ delayMs: 3_000 })
    signals.emit('SIGTERM', 'SIGTERM')
    await clock.waitedFor(3_000)
    expect((await ask(request('GET /readyz'))).status).toBe(503)
    const accepted = await ask(post('/tasks', { label: 'late' }, ['Connection: keep-alive']))
    expect(accepted.status).toBe(202)
    expect(accepted.headers.get('connection')).toBe('close')
    expect(stops).toEqual([])
    clock.advance(3_000)
    await microtasks()
    expect(app.pool.state).toBe('stopping')
    gates.end('late')
    await clock.waitedFor(1_200)
    clock.advance(1_200)
    await closed
  })

  it('tells a reply in flight to close its connection, and cuts what is open at the end', async () => {
    const { signals, port, clock, closed, exits } = await open()
    const half = connect(port, '127.0.0.1')
    half.on('error', () => {})
    const halfGone = readAll(half)
    half.write(
      request('POST /tasks', ['Content-Type: application/json', 'Content-Length: 20', 'Connection: keep-alive'], '{')
    )
    const other = connect(port, '127.0.0.1')
    const otherGone = readAll(other)
    other.write(
      request('POST /tasks', ['Content-Type: application/json', 'Content-Length: 12', 'Connection: keep-alive'], '{')
    )
    await keepAlive(port) // by now the two requests before have arrived as well
    signals.emit('SIGTERM', 'SIGTERM')
    await clock.waitedFor(800)
    other.write('"work":"x"}')
    const reply = parse(await otherGone)
    expect(reply.headers.get('connection')).toBe('close')
    expect(exits).toEqual([])
    clock.advance(800)
    await closed
    expect(await halfGone).toBe('')
    await expect.poll(() => exits).toEqual([0])
  })
})

describe('a server with routes of its own', () => {
  it('asks the connections of replies in flight to end, and of those that follow', async () => {
    const signals = new HandProcess()
    const server = createServer()
    const stopped = gate<StopReport>()
    const exited = new Promise<number>((exit) => {
      const pool = { stop: () => stopped.promise }
      listenUntil(signals, systemTimers, server, pool, { port: 0, host: '127.0.0.1', exit })
    })
    await once(server, 'listening')
    const ask = async (): Promise<readonly [reply: Promise<RawReply>, res: ServerResponse]> => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      const arrived = once(server, 'request')
      socket.write(request('GET /slow', ['Connection: keep-alive']))
      const [, res] = (await arrived) as [unknown, ServerResponse]
      return [readAll(socket).then(parse), res]
    }
    const [early, inFlight] = await ask()
    signals.emit('SIGTERM', 'SIGTERM')
    const [late, following] = await ask()
    inFlight.end('done')
    following.end('done')
    for (const reply of [early, late]) expect((await reply).headers.get('connection')).toBe('close')
    stopped.open({ ...report, succeeded: 0, failed: 0, canceled: 0 })
    expect(await exited).toBe(0)
  })
})

describe('a second signal', () => {
  it('within a second is the same one: under npm and tsx each arrives twice', async () => {
    const { signals, ask, clock, exits, stops, gates, closed } = await open()
    await ask(post('/tasks', { label: 'a' }))
    signals.emit('SIGINT', 'SIGINT')
    clock.advance(999)
    signals.emit('SIGINT', 'SIGINT')
    signals.emit('SIGTERM', 'SIGTERM')
    await microtasks()
    expect(exits).toEqual([])
    expect(stops).toHaveLength(1)
    gates.end('a')
    await clock.waitedFor(1_200)
    clock.advance(1_200)
    await closed
    await expect.poll(() => exits).toEqual([0])
  })

  it('after a second ends the process at once, with code 1', async () => {
    const { signals, ask, clock, exits, gates } = await open()
    await ask(post('/tasks', { label: 'a' }))
    signals.emit('SIGTERM', 'SIGTERM')
    clock.advance(1_000)
    signals.emit('SIGTERM', 'SIGTERM')
    expect(exits).toEqual([1])
    gates.end('a')
  })
})

describe('what was lost', () => {
  it('is what the stop cut short, not what failed or was canceled by somebody', () => {
    expect(lost(report)).toBe(0)
    for (const part of ['unstarted', 'aborted', 'interrupted'] as const) {
      expect(lost({ ...report, [part]: { count: 2, ids: ['a', 'b'] } })).toBe(2)
    }
  })
})

describe('what an application does at the end', () => {
  it('is called when it begins and when the pool has stopped, and waited for', async () => {
    const calls: unknown[] = []
    const saved = gate()
    const { signals, exits } = await open({
      onClosing: (reason) => calls.push(reason),
      onStopped: async (report) => {
        calls.push(report.reason)
        await saved.promise
      }
    })
    signals.emit('SIGTERM', 'SIGTERM')
    await expect.poll(() => calls).toEqual(['SIGTERM', 'SIGTERM'])
    expect(exits).toEqual([])
    saved.open(undefined)
    await expect.poll(() => exits).toEqual([0])
  })

  it.each([
    ['onClosing', () => Promise.reject(new Error('no'))],
    [
      'onStopped',
      () => {
        throw new Error('no')
      }
    ]
  ])('makes the exit code 1 when %s fails, and is printed', async (name, hook) => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => printed.mockRestore())
    const { signals, exits } = await open({ [name]: hook })
    signals.emit('SIGTERM', 'SIGTERM')
    await expect.poll(() => exits).toEqual([1])
    expect(printed.mock.calls).toEqual([['coatcheck/node-http:', new Error('no')]])
  })

  it('makes the exit code 1 when it takes longer than closeMs', async () => {
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => printed.mockRestore())
    const { signals, exits, clock } = await open({ onStopped: () => new Promise(() => {}), closeMs: 300 })
    signals.emit('SIGTERM', 'SIGTERM')
    await clock.waitedFor(300)
    clock.advance(300)
    await expect.poll(() => exits).toEqual([1])
    expect(String(printed.mock.calls[0]?.[1])).toContain('onStopped has not ended within closeMs (300 ms)')
  })
})

describe('under npm', () => {
  it('the end of npm is the signal', async () => {
    const signals = new HandProcess()
    signals.env = { npm_lifecycle_event: 'start' }
    const { clock, exits, stops } = await open({}, signals)
    const [check] = clock.repeated
    check?.()
    expect(stops).toEqual([])
    signals.ppid = 1
    check?.()
    await expect.poll(() => exits).toEqual([0])
    expect(stops).toMatchObject([{ reason: 'npm has ended' }])
    expect(clock.repeated.size).toBe(0)
  })

  it('nothing is watched without npm', async () => {
    expect((await open()).clock.repeated.size).toBe(0)
  })
})

describe('a server over HTTP/2', () => {
  it('serves the session until the pool has stopped, then ends it', async () => {
    const signals = new HandProcess()
    const clock = new HandClock()
    const stopped = gate<StopReport>()
    const server = createHttp2Server((_req, res) => res.end('here'))
    const shutdown = listenUntil(
      signals,
      clock,
      server,
      { stop: () => stopped.promise },
      { port: 0, host: '127.0.0.1' }
    )
    await once(server, 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const closed = once(session, 'close')
    const get = async () => await text(session.request({ ':path': '/' }))
    expect(await get()).toBe('here')
    signals.emit('SIGTERM', 'SIGTERM')
    expect(shutdown.begun).toBe(true)
    expect(await get()).toBe('here')
    stopped.open({ ...report, succeeded: 0, failed: 0, canceled: 0 })
    await closed
    await expect.poll(() => signals.exits).toEqual([0])
  })

  it('cuts a stream that does not end', async () => {
    const signals = new HandProcess()
    const clock = new HandClock()
    const server = createHttp2Server((_req, res) => void res.write('begun'))
    const pool = { stop: async () => ({ ...report, succeeded: 0, failed: 0, canceled: 0 }) }
    listenUntil(signals, clock, server, pool, { port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    session.on('error', () => {})
    const stream = session.request({ ':path': '/' })
    stream.on('error', () => {})
    await once(stream, 'data')
    signals.emit('SIGTERM', 'SIGTERM')
    await clock.waitedFor(800)
    expect(signals.exits).toEqual([])
    clock.advance(800)
    await expect.poll(() => signals.exits).toEqual([0])
  })
})

describe('a wrong argument', () => {
  const server = createServer()
  const pool = { stop: () => Promise.resolve(report) }

  it.each([
    [{}, pool, { port: 1 }, TypeError, '`server` to be a server of node:http'],
    [express(), pool, { port: 1 }, TypeError, '`server` to be a server of node:http'],
    [server, {}, { port: 1 }, TypeError, '`pool` to be a WorkerPool'],
    [server, undefined, { port: 1 }, TypeError, '`pool` to be a WorkerPool'],
    [server, pool, {}, TypeError, '`port` to be an integer from 0 to 65535'],
    [server, pool, { port: 65_536 }, RangeError, '`port` to be an integer from 0 to 65535'],
    [server, pool, { port: '3000' }, TypeError, '`port` to be an integer from 0 to 65535'],
    [server, pool, { port: 1, host: '' }, TypeError, '`host` to be a host name or an address'],
    [server, pool, { port: 1, delayMs: -1 }, RangeError, '`delayMs` to be an integer'],
    [server, pool, { port: 1, closeMs: Number.POSITIVE_INFINITY }, RangeError, '`closeMs` to be an integer'],
    [server, pool, { port: 1, graceMs: '1' }, TypeError, '`graceMs` to be a number of milliseconds'],
    [server, pool, { port: 1, forceMs: Number.NaN }, RangeError, '`forceMs` to be a number of milliseconds'],
    [server, pool, { port: 1, onStopped: 1 }, TypeError, '`onStopped` to be a function'],
    [server, pool, { port: 1, exit: 1 }, TypeError, '`exit` to be a function'],
    [server, pool, { port: 1, grace: 1 }, TypeError, 'to have only the options port, host'],
    [server, pool, 3000, TypeError, '`options` to be an object']
  ])('is named at once: %#', (wrongServer, wrongPool, options, kind, message) => {
    const signals = new HandProcess()
    const call = () => listenUntil(signals, systemTimers, wrongServer as never, wrongPool as never, options as never)
    expect(call).toThrow(kind)
    expect(call).toThrow(message)
    expect(signals.eventNames()).toEqual([])
    expect(server.listening).toBe(false)
  })

  it('is a port for a server that listens already', async () => {
    const listening = createServer().listen(0, '127.0.0.1')
    await once(listening, 'listening')
    onTestFinished(() => void listening.close())
    const signals = new HandProcess()
    expect(() => listenUntil(signals, systemTimers, listening, pool, { port: 1 })).toThrow(
      'a server that listens already'
    )
    const shutdown = listenUntil(signals, systemTimers, listening, pool, { lastCallMs: 0 })
    expect(await shutdown.begin()).toBe(0)
    expect(listening.listening).toBe(false)
  })
})
