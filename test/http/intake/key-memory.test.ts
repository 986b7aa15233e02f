/** How long an `Idempotency-Key` is remembered, and what it remembers once its ticket is forgotten. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Task, WorkerPool } from 'coatcheck'
import { type HttpReply, type TicketRoutesOptions, ticketRoutes } from 'coatcheck/http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gate } from '../../support/gate.js'
import { ManualClock, microtasks } from '../../support/manual-clock.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { type ServiceOptions, service } from '../support/service.js'

const HOUR = 3_600_000

/** The time between two checks of the tasks. */
const CHECK_MS = 100

interface PostMore {
  readonly user?: string
  readonly body?: unknown
}

/** A service whose only route runs `work`; a header names the client. */
const accepting = (work: () => unknown, options: ServiceOptions = {}) => {
  const opened = service({
    owner: ({ headers }) => headers['x-user'] as string | undefined,
    accept: [
      {
        path: '/tasks',
        submit: (_, { owner }) =>
          opened.pool.queueTask(work, { key: owner, name: 'resize', metadata: { tenant: owner ?? null } })
      }
    ],
    ...options
  })
  const post = async (key: string, { user, body = {} }: PostMore = {}): Promise<HttpReply> => {
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': key,
      ...(user === undefined ? {} : { 'x-user': user })
    }
    return (await opened.routes.handle(requestTo('POST /tasks', { json: body, headers }))) as HttpReply
  }
  /** Queues other tasks, whose tickets are read, and lets them settle, until all tickets of before are forgotten. */
  const forgetAll = async (): Promise<void> => {
    await opened.clock.turn()
    for (let count = 0; count < 1_000; count++) {
      expect(opened.pool.queueTask(() => count).id).toHaveLength(28)
      if (count % 10 === 9) await opened.clock.turn()
    }
  }
  const queued = (): number => opened.pool.stats().totals.submitted
  return { ...opened, post, forgetAll, queued, keys: () => opened.routes.stats().idempotencyKeys }
}

const idOf = (reply: HttpReply): unknown => jsonOf(reply)['id']
const isReplayed = (reply: HttpReply): boolean => reply.headers['Idempotent-Replayed'] === 'true'

describe('a key whose ticket is forgotten', () => {
  it.each([0, 1_000])('K13 gets the last status, %d ms after, and queues no second task', async (ms) => {
    const { post, forgetAll, pool, clock, queued } = accepting(() => ({ width: 200 }))
    const first = await post('a', { body: { n: 1 } })
    await clock.turn()
    const settled = jsonOf(await post('a', { body: { n: 1 } }))
    expect(settled).toMatchObject({ status: 'succeeded', result: { width: 200 }, resultOmitted: null })
    await forgetAll()
    await clock.advance(ms)
    expect(pool.task(String(idOf(first)))).toBeUndefined()
    const before = queued()

    const again = await post('a', { body: { n: 1 } })
    expect(again).toMatchObject({ status: 202, close: false })
    expect(again.headers).toMatchObject({
      'Idempotent-Replayed': 'true',
      Location: first.headers['Location'],
      'Content-Location': first.headers['Location'],
      'Operation-Location': first.headers['Location'],
      ETag: `W/"${settled['revision']}"`
    })
    expect(again.headers).not.toHaveProperty('Retry-After')
    expect(jsonOf(again)).toEqual({
      ...settled,
      result: null,
      resultOmitted: 'it was dropped when its ticket expired'
    })
    expect(await post('a', { body: { n: 2 } })).toMatchObject({ status: 422 })
    expect(queued()).toBe(before)
  })

  it('K13 states no omitted result for a task that returned nothing, and keeps the reason of another omission', async () => {
    const results = [undefined, () => {}]
    const { post, forgetAll, clock } = accepting(() => results.shift())
    for (const key of ['a', 'b']) await post(key)
    await forgetAll()
    await clock.advance(1_000)
    expect(jsonOf(await post('a'))).toMatchObject({ status: 'succeeded', result: null, resultOmitted: null })
    expect(jsonOf(await post('b'))).toMatchObject({ resultOmitted: 'a function has no JSON form' })
  })

  it.each([0, 1_000])('K13 has the error as the ticket had it, %d ms after', async (ms) => {
    const described: unknown[] = []
    const end = gate()
    const { post, forgetAll, clock } = accepting(() => end.promise, {
      describeError: (error) => {
        described.push(error)
        return { message: 'the disk is full' }
      }
    })
    await post('a')
    end.fail(Object.assign(new Error('no space on /var/lib'), { code: 'DISK_FULL' }))
    await forgetAll()
    await clock.advance(ms)
    const again = await post('a')
    expect(jsonOf(again)).toMatchObject({
      status: 'failed',
      error: { code: 'DISK_FULL', message: 'the disk is full' },
      resultOmitted: null
    })
    expect(again.body).not.toContain('/var/lib')
    expect(described).toHaveLength(1)
  })

  it('K13 that was canceled states that', async () => {
    const { post, forgetAll, clock, pool } = accepting(() => 1)
    pool.pause()
    pool.task(String(idOf(await post('a'))))?.cancel('secret')
    pool.resume()
    await forgetAll()
    await clock.advance(1_000)
    const again = await post('a')
    expect(jsonOf(again)).toMatchObject({ status: 'canceled', reason: 'user', startedAt: null, error: null })
    expect(again.body).not.toContain('secret')
  })

  it('is described by the own body of its route', async () => {
    const tasks: Task[] = []
    const pool = forgetfulPool()
    const { post, forgetAll, clock } = accepting(() => 7, {
      accept: [
        {
          path: '/tasks',
          submit: () => pool.queueTask(() => 7, { name: 'resize', key: 'ada' }),
          accepted: (task, { status }) => {
            tasks.push(task)
            return { body: { took: task.id, status: status === 'queued' ? 'queued' : 'known' } }
          }
        }
      ]
    })
    const first = await post('a')
    await forgetAll()
    await clock.advance(1_000)
    const again = await post('a')
    expect(jsonOf(again)).toEqual({ ...jsonOf(first), status: 'known' })
    const task = tasks.at(-1)!
    expect([task.name, task.key, task.state, task.cancel()]).toEqual(['resize', 'ada', 'succeeded', false])
    expect(task.record()).toMatchObject({ id: task.id, resultOmitted: expect.any(String) })
    expect(await task.settled()).toBe(task)
    expect(await task.recorded).toBeUndefined()
    await expect(task.result()).rejects.toThrow('no longer retained')
    const records: unknown[] = []
    for await (const record of task.changes()) records.push(record)
    expect(records).toEqual([task.record()])
  })
})

/** A pool that forgets a task as soon as it has settled. */
function forgetfulPool(): WorkerPool {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, retention: { count: 0 } }).start()
  onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
  return pool
}

describe('what a client learns from a replay', () => {
  const authorize: TicketRoutesOptions['authorize'] = ({ headers }, { metadata }) => {
    if (headers['x-user'] === 'broken') throw new Error('no database')
    return JSON.stringify(metadata) === JSON.stringify({ tenant: headers['x-user'] })
  }

  it.each([
    ['live', false, 0],
    ['forgotten', true, 0],
    ['forgotten long ago', true, 1_000]
  ])('K15 of a %s ticket is what its ticket shows: a denial is the 422 of another body', async (_, isForgotten, ms) => {
    const end = gate<string>()
    const pool = forgetfulPool()
    const { post, forgetAll, clock, errors } = accepting(() => end.promise, {
      owner: undefined, // all clients share their keys
      authorize,
      accept: [
        {
          path: '/tasks',
          submit: (_input, { headers }) =>
            pool.queueTask(() => end.promise, { metadata: { tenant: String(headers['x-user']) } })
        }
      ]
    })
    const first = await post('a', { user: 'ada' })
    if (isForgotten) {
      end.open('paper')
      await nextTurn()
    }
    await forgetAll()
    await clock.advance(ms)
    expect(idOf(await post('a', { user: 'ada' }))).toBe(idOf(first))
    const denied = await post('a', { user: 'eve' })
    expect(denied.status).toBe(422)
    expect(denied).toEqual(await post('a', { user: 'eve', body: { n: 2 } }))
    expect(denied.body).not.toContain(String(idOf(first)))
    expect(errors).toEqual([])
    expect(await post('a', { user: 'broken' })).toEqual(denied)
    expect(errors).toMatchObject([{ message: 'no database' }])
    expect(pool.stats().totals.submitted).toBe(1)
    end.open('')
  })
})

describe('idempotencyMs', () => {
  it.each([
    [undefined, 24 * HOUR],
    [5_000, 5_000],
    [1, 1]
  ])('%s keeps a key for that time', async (idempotencyMs, ms) => {
    const { post, forgetAll, clock, keys } = accepting(() => 1, { idempotencyMs })
    const first = await post('a')
    await forgetAll()
    await clock.advance(ms - 1)
    expect(idOf(await post('a'))).toBe(idOf(first))
    expect(await post('a', { body: [1] })).toMatchObject({ status: 400 })
    expect(await post('a', { body: { n: 1 } })).toMatchObject({ status: 422 })
    expect(keys()).toMatchObject({ kept: 1, forgottenEarly: 0 })
    await clock.advance(101) // the end of a task is seen within 0.1 s
    expect(keys()).toMatchObject({ kept: 0, forgottenEarly: 0 })
    const next = await post('a', { body: { n: 1 } })
    expect(next.status).toBe(202)
    expect(isReplayed(next)).toBe(false)
    expect(idOf(next)).not.toBe(idOf(first))
  })

  it('keeps a key until its task has settled, however long that takes', async () => {
    const end = gate<string>()
    const { post, clock, forgetAll, keys } = accepting(() => end.promise, { idempotencyMs: 0 })
    const first = await post('a')
    await clock.advance(HOUR / 10)
    expect(jsonOf(await post('a'))).toMatchObject({ id: idOf(first), status: 'running' })
    end.open('')
    await clock.turn()
    await forgetAll()
    await clock.advance(200)
    expect(keys().kept).toBe(0)
    expect(isReplayed(await post('a'))).toBe(false)
  })

  it('Infinity keeps it for ever', async () => {
    const { post, forgetAll, clock } = accepting(() => 1, { idempotencyMs: Number.POSITIVE_INFINITY })
    const first = await post('a')
    await forgetAll()
    await clock.advance(10_000 * HOUR)
    expect(idOf(await post('a'))).toBe(idOf(first))
  })

  it('forgets each key at its own time, whatever the order in which their tasks settle', async () => {
    const slow = gate()
    const work = [() => slow.promise, () => 1, () => 2]
    const { post, clock, keys } = accepting(() => work.shift()?.(), { idempotencyMs: 10_000 })
    await post('slow')
    await clock.advance(4_000)
    await post('quick')
    await clock.advance(4_000)
    await post('last')
    await clock.advance(4_000) // 12 s
    slow.open()
    await clock.advance(2_150)
    expect(keys().kept).toBe(2)
    expect(isReplayed(await post('slow'))).toBe(true)
    expect(isReplayed(await post('last'))).toBe(true)
    expect(isReplayed(await post('quick'))).toBe(false)
  })
})

describe('a memory of keys without room', () => {
  it('K13 counts what it forgets early, and reports the first to onError', async () => {
    const { post, keys, errors, queued } = accepting(() => gate().promise, {
      maxIdempotencyKeys: 2,
      pool: { queueCapacity: 20 }
    })
    expect(keys()).toEqual({ kept: 0, capacity: 2, forgottenEarly: 0 })
    for (const key of ['a', 'b']) await post(key)
    expect([keys(), errors]).toEqual([{ kept: 2, capacity: 2, forgottenEarly: 0 }, []])
    for (const key of ['c', 'd']) await post(key)
    expect(keys()).toEqual({ kept: 2, capacity: 2, forgottenEarly: 2 })
    expect(errors).toMatchObject([{ message: expect.stringMatching(/forgotten before its time.*more than 2 keys/) }])
    expect(queued()).toBe(4)
  })

  it('forgets the key whose task settled first, not one whose task runs', async () => {
    const ends = [gate(), gate(), gate(), gate()]
    const work = ends.values()
    const { post, clock } = accepting(() => work.next().value?.promise, {
      maxIdempotencyKeys: 3,
      pool: { concurrency: 4 }
    })
    for (const key of ['running', 'second', 'first']) await post(key)
    for (const index of [2, 1]) {
      ends[index]?.open()
      await clock.advance(200)
    }
    await post('more')
    expect(isReplayed(await post('second'))).toBe(true)
    expect(isReplayed(await post('running'))).toBe(true)
    expect(isReplayed(await post('first'))).toBe(false)
  })

  it('counts nothing that expired', async () => {
    const { post, clock, keys, errors } = accepting(() => 1, { maxIdempotencyKeys: 1, idempotencyMs: 1_000 })
    for (const key of ['a', 'b', 'c']) {
      await post(key)
      await clock.advance(1_200)
    }
    expect(keys()).toMatchObject({ forgottenEarly: 0 })
    expect(errors).toEqual([])
  })

  it('never forgets a key under way', async () => {
    const opens = gate()
    const { post, clock, pool } = accepting(() => 1, {
      maxIdempotencyKeys: 1,
      accept: [
        {
          path: '/tasks',
          submit: async ({ slow }) => {
            if (slow === true) await opens.promise
            return pool.queueTask(() => gate().promise)
          }
        }
      ]
    })
    const replies = [post('slow', { body: { slow: true } })]
    await clock.turn()
    for (let count = 0; count < 5; count++) await post(`key ${count}`)
    replies.push(post('slow', { body: { slow: true } }))
    opens.open()
    const [first, second] = await Promise.all(replies)
    expect(idOf(second!)).toBe(idOf(first!))
  })
})

describe('a memory of keys', () => {
  it('does not observe its tasks: a failure that nobody else observes is reported', async () => {
    const unobserved: unknown[] = []
    const end = gate()
    const { post, clock } = accepting(() => end.promise, {
      pool: { onUnobservedError: (error) => void unobserved.push(error) }
    })
    await post('a')
    clock.block(CHECK_MS) // the check comes in the turn in which the task fails
    end.fail(new Error('disk'))
    await microtasks()
    clock.tick(0)
    await clock.advance(1_000)
    expect(unobserved).toMatchObject([{ message: 'disk' }])
  })

  it('has no timer once all tasks have settled, and none that keeps the process alive before', async () => {
    const end = gate()
    const { post, clock } = accepting(() => end.promise)
    await post('a')
    expect([clock.timers(), clock.timers('alive')]).toEqual([1, 0])
    await clock.advance(10_000)
    expect([clock.timers(), clock.timers('alive')]).toEqual([1, 0])
    end.open()
    await clock.turn()
    await clock.advance(200)
    expect(clock.timers()).toBe(0)
  })

  it('reduces at most a hundred tasks at a time, and in the end all', async () => {
    let described = 0
    const end = gate()
    const { post, clock, keys } = accepting(() => end.promise, {
      pool: { concurrency: 1_000 },
      describeError: () => {
        described++
        return undefined
      }
    })
    for (let count = 0; count < 250; count++) await post(`key ${count}`)
    end.fail(new Error('disk'))
    await clock.advance(2 * CHECK_MS)
    const steps = [described]
    for (let step = 0; step < 3; step++) {
      await clock.advance(5)
      steps.push(described)
    }
    expect(steps).toEqual([100, 200, 250, 250])
    await clock.advance(CHECK_MS)
    expect(clock.timers()).toBe(0)
    expect(keys().kept).toBe(250)
  })
})

it('reports a task whose record cannot be read, and keeps its key', async () => {
  const clock = new ManualClock()
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, clock }).start()
  onTestFinished(async () => {
    const stopped = pool.stop({ graceMs: 0, forceMs: 0 })
    await clock.turn()
    await stopped
  })
  const errors: unknown[] = []
  let isBroken = false
  const routes = ticketRoutes(pool, {
    clock,
    onError: (error) => void errors.push(error),
    accept: [
      {
        path: '/tasks',
        submit: () => {
          const task = pool.queueTask(() => 1)
          const { record } = task
          return Object.defineProperty(task, 'record', {
            value: () => {
              if (isBroken) throw new Error('unreadable')
              return record.call(task)
            }
          })
        }
      }
    ]
  })
  const post = (): Promise<HttpReply | undefined> =>
    routes.handle(
      requestTo('POST /tasks', { json: {}, headers: { 'content-type': 'application/json', 'idempotency-key': 'a' } })
    )
  const first = await post()
  await clock.turn()
  isBroken = true
  await clock.advance(1_000)
  expect(errors).toMatchObject([{ message: 'unreadable' }])
  isBroken = false
  expect(jsonOf(await post())['id']).toBe(jsonOf(first)['id'])
  expect(pool.stats().totals.submitted).toBe(1)
})
