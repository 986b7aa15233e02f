/** `Prefer: wait`: a request for a ticket that is held until its status changes. The test drives the clock. */
import { getEventListeners } from 'node:events'
import type { Task } from 'coatcheck'
import { type TicketPool, type TicketRoutesOptions, ticketRoutes } from 'coatcheck/http'
import { describe, expect, it, vi } from 'vitest'
import { gate } from '../../support/gate.js'
import { jsonOf, requestTo } from '../support/request-of.js'
import { ClientRequest, service, tagOf } from '../support/service.js'

/** A service, and a client that has the newest revision. */
const waiting = (options: TicketRoutesOptions = {}) => {
  const opened = service(options)
  const poll = (task: Task, wait: string, tag = tagOf(task), headers = {}): Promise<ClientRequest> =>
    opened.send(`GET /tasks/${task.id}`, { prefer: wait, 'if-none-match': tag, ...headers })
  return { ...opened, poll }
}

const expectHeld = (sent: ClientRequest): void => expect(sent.reply, 'it is to be held').toBeUndefined()

describe('a request with Prefer: wait', () => {
  it('is held until the revision differs from its tag, then gets the status', async () => {
    const { clock, begin, poll } = waiting()
    const { task, progress } = await begin()
    const sent = await poll(task, 'wait=20')
    expectHeld(sent)
    await clock.advance(19_000)
    expectHeld(sent)
    await progress(0.5)
    expect(sent.reply).toMatchObject({ status: 200, headers: { ETag: tagOf(task), 'Preference-Applied': 'wait=20' } })
    expect(jsonOf(sent.reply)).toMatchObject({ progress: { ratio: 0.5 }, revision: task.record().revision })
    expect(clock.timers()).toBe(0)
  })

  it('gets 304 when nothing has changed by then', async () => {
    const { clock, begin, poll } = waiting()
    const { task } = await begin()
    const sent = await poll(task, 'wait=10')
    await clock.advance(9_999)
    expectHeld(sent)
    await clock.advance(1)
    expect(sent.reply).toMatchObject({
      status: 304,
      headers: {
        ETag: tagOf(task),
        'Cache-Control': 'private, no-cache',
        'Retry-After': '1',
        'Preference-Applied': 'wait=10'
      }
    })
    expect(sent.reply?.body).toBeUndefined()
  })

  it('is held until the task is done when it sends no tag, whatever else changes', async () => {
    const { clock, begin, send } = waiting()
    const { task, progress, end } = await begin()
    const [first, second] = [
      await send(`GET /tasks/${task.id}`, { prefer: 'wait=20' }),
      await send(`GET /tasks/${task.id}`, { prefer: 'wait=5' })
    ]
    await progress(0.5)
    expectHeld(first)
    await clock.advance(5_000)
    expect(second.reply).toMatchObject({ status: 200, headers: { 'Preference-Applied': 'wait=5' } })
    expect(jsonOf(second.reply)).toMatchObject({ status: 'running' })
    await end('ok')
    expect(jsonOf(first.reply)).toMatchObject({ status: 'succeeded', result: 'ok' })
    expect(first.reply?.headers).not.toHaveProperty('Retry-After')
    expect(first.reply?.headers).toHaveProperty('Preference-Applied', 'wait=20')
  })

  it('is answered at once, and not counted, when its tag is another or malformed', async () => {
    const { begin, poll } = waiting({ longPolls: { total: 0 } })
    const { task } = await begin()
    for (const tag of ['W/"0"', '"x", W/"99"', 'nonsense', '']) {
      const sent = await poll(task, 'wait=20', tag)
      expect(sent.reply, tag).toMatchObject({ status: 200, headers: { 'Preference-Applied': 'wait=20' } })
    }
  })

  it('waits for the next change with *, and gets 304 when there was none', async () => {
    const { clock, begin, poll } = waiting()
    const { task, progress } = await begin()
    const [first, second] = [await poll(task, 'wait=5', '*'), await poll(task, 'wait=20', '*')]
    await clock.advance(5_000)
    expect(first.reply?.status).toBe(304)
    expectHeld(second)
    await progress(0.1)
    expect(second.reply?.status).toBe(200)
  })

  it('is held while its list contains the current revision', async () => {
    const { begin, poll } = waiting()
    const { task, progress } = await begin()
    const { revision } = task.record()
    const sent = await poll(task, 'wait=20', `"x", "${revision}", W/"${revision + 1}"`)
    expectHeld(sent)
    await progress(0.1)
    expectHeld(sent)
    await progress(0.2)
    expect(sent.reply?.status).toBe(200)
  })

  it('waits at most 25 seconds, as Preference-Applied states', async () => {
    for (const preferred of ['26', '3600', '9'.repeat(400)]) {
      const { clock, begin, poll } = waiting()
      const sent = await poll((await begin()).task, `wait=${preferred}`)
      await clock.advance(24_999)
      expectHeld(sent)
      await clock.advance(1)
      expect(sent.reply?.headers).toHaveProperty('Preference-Applied', 'wait=25')
    }
  })

  it('uses the first wait, also if that is malformed', async () => {
    const { begin, poll } = waiting()
    const sent = await poll((await begin()).task, 'respond-async, wait, wait=5')
    expect(sent.reply?.status).toBe(304)
    expect(sent.reply?.headers).not.toHaveProperty('Preference-Applied')
  })

  it('does not wait for 0 seconds', async () => {
    const { begin, poll } = waiting()
    const sent = await poll((await begin()).task, 'wait=0')
    expect(sent.reply).toMatchObject({ status: 304, headers: { 'Preference-Applied': 'wait=0' } })
  })

  it('is answered when a queued task is canceled', async () => {
    const { clock, pool, poll } = waiting()
    pool.pause()
    const task = pool.queueTask(() => 1)
    const sent = await poll(task, 'wait=20')
    expectHeld(sent)
    task.cancel()
    await clock.turn()
    expect(jsonOf(sent.reply)).toMatchObject({ status: 'canceled', done: true })
  })

  it.each([
    'wait=20',
    'WAIT=20',
    'wait = 20',
    'respond-async, wait=20',
    'wait=20; lenient',
    'a="x, wait=1", wait=20, wait=1',
    String.raw`a="\", wait=1", wait=20`,
    ', ,wait=20'
  ])('is honoured: %s', async (prefer) => {
    const { clock, begin, poll } = waiting()
    const sent = await poll((await begin()).task, prefer)
    await clock.advance(19_999)
    expectHeld(sent)
    await clock.advance(1)
    expect(sent.reply?.headers).toHaveProperty('Preference-Applied', 'wait=20')
  })

  it.each([
    'wait',
    'wait=',
    'wait=-1',
    'wait=1.5',
    'wait=1e3',
    'wait=0x10',
    'wait="20"',
    'wait=20s',
    'wait=٣',
    'waits=20',
    'await=20',
    'x;wait=20',
    'x="wait=20"',
    'x="unclosed, wait=20',
    'wait=x, wait=20',
    ''
  ])('is answered at once when its preference is malformed: %j', async (prefer) => {
    const { begin, poll } = waiting()
    const sent = await poll((await begin()).task, prefer)
    expect(sent.reply?.status).toBe(304)
    expect(sent.reply?.headers).not.toHaveProperty('Preference-Applied')
  })
})

describe('a request that is never held', () => {
  const expectAtOnce = (sent: ClientRequest, status: number): void => {
    expect(sent.reply?.status).toBe(status)
    expect(sent.reply?.headers).not.toHaveProperty('Preference-Applied')
  }

  it('is one for a finished ticket, with whatever tag', async () => {
    const { begin, poll } = waiting()
    const { task, end } = await begin()
    await end(1)
    expectAtOnce(await poll(task, 'wait=20'), 304)
    expectAtOnce(await poll(task, 'wait=20', '*'), 304)
    expectAtOnce(await poll(task, 'wait=20', 'W/"0"'), 200)
  })

  it('is HEAD, DELETE, and one without a ticket', async () => {
    const { begin, send } = waiting()
    const { task } = await begin()
    const headers = { prefer: 'wait=20', 'if-none-match': tagOf(task) }
    expectAtOnce(await send(`HEAD /tasks/${task.id}`, headers), 304)
    expectAtOnce(await send('GET /tasks/none', headers), 404)
    expectAtOnce(await send('GET /livez', headers), 200)
    expectAtOnce(await send(`DELETE /tasks/${task.id}`, headers), 202)
  })
})

describe('the limits', () => {
  const expectOver = (sent: ClientRequest): void => {
    expect(sent.reply?.status).toBe(304)
    expect(sent.reply?.headers).not.toHaveProperty('Preference-Applied')
  }
  const owner: TicketRoutesOptions['owner'] = ({ headers }) => headers['x-user'] as string | undefined

  it('bound the requests of a ticket: one more is answered at once, until one has ended', async () => {
    const { clock, begin, poll } = waiting({ longPolls: { perTicket: 2 } })
    const [{ task }, { task: other }] = [await begin(), await begin()]
    const [first, second] = [await poll(task, 'wait=5'), await poll(task, 'wait=20')]
    expectOver(await poll(task, 'wait=20'))
    expectHeld(first)
    expectHeld(await poll(other, 'wait=20'))
    await clock.advance(5_000)
    expect(first.reply?.status).toBe(304)
    const third = await poll(task, 'wait=20')
    expectHeld(second)
    expectHeld(third)
    expectOver(await poll(task, 'wait=20'))
  })

  it('bound the requests of an owner; those without an owner count together', async () => {
    const { begin, poll } = waiting({ owner, longPolls: { perOwner: 1 } })
    const [{ task }, { task: other }] = [await begin(), await begin()]
    for (const user of [{ 'x-user': 'ada' }, { 'x-user': 'bob' }, {}]) {
      const held = await poll(task, 'wait=20', undefined, user)
      expectHeld(held)
      expectOver(await poll(other, 'wait=20', undefined, user))
      held.leave()
      expectHeld(await poll(other, 'wait=20', undefined, user))
    }
  })

  it('do not bound owners without the hook', async () => {
    const { begin, poll } = waiting({ longPolls: { perOwner: 1 } })
    const { task } = await begin()
    expectHeld(await poll(task, 'wait=20'))
    expectHeld(await poll(task, 'wait=20'))
  })

  it('bound all requests', async () => {
    const { begin, poll } = waiting({ longPolls: { total: 2 } })
    const [{ task }, { task: other, progress }] = [await begin(), await begin()]
    expectHeld(await poll(task, 'wait=20'))
    const second = await poll(other, 'wait=20')
    expectOver(await poll(other, 'wait=20'))
    await progress(0.5)
    expect(second.reply?.status).toBe(200)
    expectHeld(await poll(other, 'wait=20'))
  })

  it('of 0 hold no request', async () => {
    const { begin, poll } = waiting({ longPolls: { total: 0 } })
    expectOver(await poll((await begin()).task, 'wait=20'))
  })

  it('are 20 per ticket, 50 per owner and 500 in total by default', async () => {
    const { pool, poll } = waiting({ owner: () => undefined })
    pool.pause()
    pool.resize({ queueCapacity: 100 })
    const tasks = Array.from({ length: 60 }, () => pool.queueTask(() => 1))
    const held = async (task: Task): Promise<boolean> => (await poll(task, 'wait=20')).reply === undefined
    for (let index = 0; index < 20; index++) expect(await held(tasks[0]!)).toBe(true)
    expect(await held(tasks[0]!)).toBe(false)
    for (let index = 20; index < 50; index++) expect(await held(tasks[index]!)).toBe(true)
    expect(await held(tasks[51]!)).toBe(false)
  })

  it('are 500 in total by default', async () => {
    const { pool, poll } = waiting()
    pool.pause()
    pool.resize({ queueCapacity: 100 })
    const tasks = Array.from({ length: 26 }, () => pool.queueTask(() => 1))
    const polls = tasks.flatMap((task) => Array.from({ length: 20 }, () => poll(task, 'wait=20')))
    const answered = (await Promise.all(polls)).filter(({ reply }) => reply !== undefined)
    expect(answered).toHaveLength(20)
    for (const sent of answered) expectOver(sent)
  })
})

it('the task is no longer followed after the answer', async () => {
  const { begin, poll } = waiting()
  const { task, progress } = await begin()
  const changes = vi.spyOn(task, 'changes')
  const sent = await poll(task, 'wait=20')
  const signal = changes.mock.calls[0]?.[0]?.signal
  expect(signal?.aborted).toBe(false)
  await progress(0.5)
  expect(sent.reply).toMatchObject({ status: 200 })
  expect(signal?.aborted).toBe(true)
})

describe('a client that leaves', () => {
  it('K11 is released at once and leaves nothing behind', async () => {
    const { clock, begin, poll } = waiting({ longPolls: { total: 1 } })
    const { task, end } = await begin()
    const sent = await poll(task, 'wait=20')
    expect(getEventListeners(sent.signal, 'abort')).toHaveLength(1)
    expect([clock.timers(), clock.timers('alive')]).toEqual([1, 0])
    sent.leave()
    await sent.answered
    expect(clock.timers()).toBe(0)
    expect(getEventListeners(sent.signal, 'abort')).toHaveLength(0)
    expect(task.state).toBe('running')
    expectHeld(await poll(task, 'wait=20'))
    await end(1)
  })

  it('K11 before its request is held is not held', async () => {
    const { clock, begin, routes } = waiting()
    const { task } = await begin()
    const headers = { prefer: 'wait=20', 'if-none-match': tagOf(task) }
    const signal = AbortSignal.abort()
    expect(await routes.handle(requestTo(`GET /tasks/${task.id}`, { headers, signal }))).toMatchObject({ status: 304 })
    expect(clock.timers()).toBe(0)
  })

  it('leaves no listener after its answer', async () => {
    const { begin, poll } = waiting()
    const { task, progress } = await begin()
    const sent = await poll(task, 'wait=20')
    await progress(0.5)
    expect(sent.reply?.status).toBe(200)
    expect(getEventListeners(sent.signal, 'abort')).toHaveLength(0)
  })
})

describe('a stop', () => {
  it('K19 holds requests until their tickets are done, and ends them with the last status', async () => {
    const { clock, pool, begin, poll, send } = waiting()
    const [{ task: first, end }, { task: second }] = [await begin(), await begin()]
    const polls = [
      await poll(first, 'wait=20'),
      await poll(second, 'wait=20'),
      await send(`GET /tasks/${second.id}`, { prefer: 'wait=20' })
    ]
    const stopped = pool.stop({ graceMs: 1_000, forceMs: 1_000 })
    await clock.turn()
    for (const sent of polls) expectHeld(sent)
    await end(1)
    expect(jsonOf(polls[0]?.reply)).toMatchObject({ status: 'succeeded' })
    await clock.advance(1_000)
    expect(polls[1]?.reply?.status).toBe(200) // cancel requested
    await clock.advance(1_000)
    await stopped
    expect(jsonOf(polls[2]?.reply)).toMatchObject({ status: 'failed', error: { code: 'TASK_INTERRUPTED' } })
    expect(polls.every(({ reply }) => reply?.close)).toBe(true)
    expect(clock.timers()).toBe(0)
  })

  it('ends the requests for a task that stays queued, and holds no further one', async () => {
    const { clock, pool: real } = waiting()
    real.pause()
    const task = real.queueTask(() => 1)
    const closed = gate<unknown>()
    let state: TicketPool['state'] = 'stopping'
    const pool: TicketPool = {
      get state() {
        return state
      },
      closed: closed.promise,
      task: () => task,
      tasks: () => [task],
      cancel: () => 'unknown'
    }
    const routes = ticketRoutes(pool, { clock })
    const headers = { prefer: 'wait=20', 'if-none-match': tagOf(task) }
    const send = () =>
      new ClientRequest((signal) => routes.handle(requestTo(`GET /tasks/${task.id}`, { headers, signal })))
    const sent = send()
    await clock.turn()
    expectHeld(sent)
    state = 'stopped'
    closed.open(undefined)
    expect(await sent.answered).toMatchObject({ status: 304, close: true })
    expect(await send().answered).toMatchObject({ status: 304, close: true })
    expect(clock.timers()).toBe(0)
  })
})

describe('a task without further changes', () => {
  const none = async function* (): AsyncGenerator<never> {}
  const broken = async function* (): AsyncGenerator<never> {
    yield* []
    throw new Error('broken')
  }

  it.each([
    ['because they end', none],
    ['because they fail', broken]
  ])('%s is not waited for', async (_, changes) => {
    const { clock, begin } = service()
    const { task } = await begin()
    const silent = Object.create(task, {
      record: { value: () => task.record() },
      changes: { value: changes }
    }) as Task
    const pool: TicketPool = {
      state: 'running',
      closed: gate().promise,
      task: () => silent,
      tasks: () => [silent],
      cancel: () => 'unknown'
    }
    const routes = ticketRoutes(pool, { clock })
    const headers = { prefer: 'wait=20', 'if-none-match': tagOf(task) }
    expect(await routes.handle(requestTo(`GET /tasks/${task.id}`, { headers }))).toMatchObject({ status: 304 })
    expect(clock.timers()).toBe(0)
  })
})

describe('an owner', () => {
  it('may be found asynchronously', async () => {
    const { begin, poll } = waiting({ owner: async () => 'ada', longPolls: { perOwner: 1 } })
    const { task } = await begin()
    expectHeld(await poll(task, 'wait=20'))
    expect((await poll(task, 'wait=20')).reply?.status).toBe(304)
  })
})
