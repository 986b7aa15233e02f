import { DuplicateTaskError, KeyQueueFullError, TaskCanceledError, WaitFullError } from 'coatcheck'
import { ticketRoutes } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { gate } from '../../support/gate.js'
import { ManualClock, microtasks } from '../../support/manual-clock.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { failedStatus, poolWith, routesWith } from '../support/routes.js'
import { service } from '../support/service.js'

describe('the error of a failed task', () => {
  it('is the code and no message, by default', async () => {
    const { status, errors } = await failedStatus(new Error('secret'))
    expect(status['error']).toEqual({ code: 'TASK_FAILED', message: 'the task failed' })
    expect(errors).toEqual([])
    const { status: other } = await failedStatus(Object.assign(new Error('secret'), { code: 'ERR_APP', expose: 1 }))
    expect(other['error']).toEqual({ code: 'ERR_APP', message: 'the task failed' })
    for (const thrown of ['secret', undefined, null, 7, { message: 'secret' }]) {
      const { status: odd } = await failedStatus(thrown)
      expect(odd['error']).toEqual({ code: 'TASK_FAILED', message: 'the task failed' })
    }
  })

  it('has the message of an error with expose', async () => {
    const { status } = await failedStatus(Object.assign(new Error('no paper'), { code: 'ERR_APP', expose: true }))
    expect(status['error']).toEqual({ code: 'ERR_APP', message: 'no paper' })
  })

  it("has an application's code unchanged, also in an error of this library", async () => {
    const { status } = await failedStatus(Object.assign(new WaitFullError(3, 1_000), { code: 'DISK_FULL' }))
    expect(status['error']).toMatchObject({ code: 'DISK_FULL' })
  })

  it('has the code, but not the message, of an error of this library that names another task or key', async () => {
    const facts = { concurrency: 1, queueCapacity: 1, running: 1, queued: 1, retryAfterMs: 1_000 }
    const errors = [
      new TaskCanceledError('another-ticket', 'user'),
      new DuplicateTaskError('another-ticket'),
      new KeyQueueFullError('another-owner', facts)
    ]
    for (const error of errors) {
      const { status } = await failedStatus(error)
      expect(status['error']).toEqual({ code: error.code.slice('ERR_'.length), message: 'the task failed' })
    }
  })

  it('has code and message of an error of this library, without the prefix of the code', async () => {
    const clock = new ManualClock()
    const pool = poolWith({ clock, taskTimeoutMs: 50 })
    const routes = ticketRoutes(pool)
    const task = pool.queueTask(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    )
    await clock.advance(60)
    await task.settled()
    const status = jsonOf(await routes.handle(requestTo(`GET /tasks/${task.id}`)))
    expect(status['error']).toEqual({ code: 'TASK_TIMEOUT', message: expect.stringContaining('50 ms') })
  })

  it('does not show the reason of a cancel', async () => {
    const { routes, pool } = routesWith()
    const task = pool.queueTask(() => gate().promise, { id: 'a' })
    await microtasks() // now it runs
    pool.pause()
    const queued = pool.queueTask(() => 1, { id: 'b' })
    queued.cancel(new Error('secret'))
    task.cancel(new Error('secret'))
    for (const id of ['a', 'b']) {
      const reply = await routes.handle(requestTo(`GET /tasks/${id}`))
      expect(reply?.body).not.toContain('secret')
      expect(jsonOf(reply)).toMatchObject({ status: id === 'a' ? 'running' : 'canceled', error: null })
    }
  })

  it('has the parts that describeError returns', async () => {
    const error = Object.assign(new Error('secret'), { code: 'E_PAPER' })
    const seen: unknown[] = []
    const { status, task } = await failedStatus(error, {
      describeError: (given, record) => {
        seen.push(given, record.id)
        return { message: 'no paper' }
      }
    })
    expect(status['error']).toEqual({ code: 'E_PAPER', message: 'no paper' })
    expect(seen).toEqual([error, task.id])
    expect((await failedStatus(error, { describeError: () => ({ code: 'X' }) })).status['error']).toEqual({
      code: 'X',
      message: 'the task failed'
    })
    expect((await failedStatus(error, { describeError: () => ({ code: '', message: '' }) })).status['error']).toEqual({
      code: 'E_PAPER',
      message: 'the task failed'
    })
    const odd = { code: 7, message: {} } as unknown as { code: string; message: string }
    for (const describeError of [() => undefined, () => odd]) {
      const { status: usual, errors } = await failedStatus(error, { describeError })
      expect(usual['error']).toEqual({ code: 'E_PAPER', message: 'the task failed' })
      expect(errors).toEqual([])
    }
  })

  it('is the default when describeError throws, and the error goes to onError', async () => {
    const bug = new Error('bug')
    const { status, errors } = await failedStatus(new Error('secret'), {
      describeError: () => {
        throw bug
      }
    })
    expect(status['error']).toEqual({ code: 'TASK_FAILED', message: 'the task failed' })
    expect(errors).toEqual([bug])
  })
})

describe('a failure that only clients ask for', () => {
  const failed = new Error('db down')

  it.each<[string, string, Readonly<Record<string, string>>]>([
    ['a held poll', '', { prefer: 'wait=5' }],
    ['a stream', '/events', {}]
  ])('goes to `onUnobservedError`, although %s waits for it', async (_what, path, headers) => {
    const told: unknown[] = []
    const { begin, send, clock } = service({ pool: { onUnobservedError: (error) => void told.push(error) } })
    const { task, fail } = await begin()
    const waiting = await send(`GET /tasks/${task.id}${path}`, headers)
    const pieces: unknown[] = []
    if (path === '/events') {
      const { body } = await waiting.answered
      if (typeof body !== 'object') throw new Error('no stream')
      void (async () => {
        for await (const piece of body) pieces.push(piece)
      })()
      await clock.turn()
    }
    await fail(failed)
    await waiting.answered
    await clock.turn()
    expect(path === '' ? jsonOf(waiting.reply)['status'] : String(pieces.at(-1))).toContain('failed')
    expect(told).toEqual([failed])
  })

  it('goes there once, although the 202, a poll, the list and a repeated request read it', async () => {
    const told: unknown[] = []
    const clock = new ManualClock()
    const pool = poolWith({ clock, onUnobservedError: (error) => void told.push(error) })
    const routes = ticketRoutes(pool, {
      clock,
      authorize: () => true,
      accept: [{ path: '/tasks', submit: () => pool.queueTask(() => Promise.reject(failed)) }]
    })
    const headers = { 'content-type': 'application/json', 'idempotency-key': '"one"' }
    const post = async () => routes.handle(requestTo('POST /tasks', { json: {}, headers }))
    const accepted = await post()
    const { id } = jsonOf(accepted)
    for (const line of [`GET /tasks/${id}`, 'GET /tasks'])
      expect((await routes.handle(requestTo(line)))?.status).toBe(200)
    await clock.advance(1_000)
    expect(jsonOf(await post())).toMatchObject({ id, status: 'failed', error: { code: 'TASK_FAILED' } })
    expect(told).toEqual([failed])
  })
})
