/** What is held open, over real sockets on every server: requests that wait for news of a ticket. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { post, type RawReply, request } from './support/raw.js'
import { Sides } from './support/sides.js'

let sides: Sides

beforeEach(async () => {
  sides = await Sides.open({ pool: { concurrency: 1, queueCapacity: 2 } })
})

afterEach(() => sides.close())

/** Hands in a task, which begins, and gives its ticket. */
const handIn = async (label: string): Promise<string> =>
  (JSON.parse((await sides.ask(post('/tasks', { label }))).body) as { readonly id: string }).id

/** Resolves when every side has a request more, and has done with it what it could. */
const arrived = async (): Promise<void> => {
  await sides.each(({ server }) => once(server, 'request'))
  await sides.each(({ clock }) => clock.turn())
}

describe('Prefer: wait', () => {
  const wait = async (id: string, seconds: number): Promise<{ readonly reply: Promise<RawReply> }> => {
    const tag = (await sides.ask(request(`GET /tasks/${id}`))).headers.get('etag')
    const here = arrived()
    const reply = sides.ask(request(`GET /tasks/${id}`, [`If-None-Match: ${tag}`, `Prefer: wait=${seconds}`]))
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

  it('answers 304 when its time is over', async () => {
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
