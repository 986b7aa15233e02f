import type { TaskContext } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { gate } from '../support/gate.js'
import { hasRedis, shared } from './support/pools.js'

/** A handler that ends when it is aborted, and one that never does while the gate is closed. */
const kinds = () => {
  const [polite, deaf] = [gate(), gate()]
  const finish = gate()
  return {
    running: Promise.all([polite.promise, deaf.promise]),
    finish: finish.open,
    polite: async (_input: undefined, { signal }: TaskContext): Promise<never> => {
      polite.open()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw signal.reason
    },
    deaf: async (): Promise<void> => {
      deaf.open()
      await finish.promise
    }
  }
}

describe.skipIf(!hasRedis)('the stop of a shared pool in one process', () => {
  it('leaves what is queued, and refuses what is new', async () => {
    const { open } = await shared()
    const [first, second] = [await open({ work: async () => 1 }), await open({ work: async () => 1 })]
    const task = await first.queueTask('work')
    const events: unknown[] = []
    first.on('stopping', (notice) => events.push(notice)).on('stopped', (report) => events.push(report))
    const stopped = first.stop({ reason: 'deploy' })
    expect(first.state).toBe('stopping')
    expect(first.stop()).toBe(stopped)
    await expect(first.queueTask('work')).rejects.toMatchObject({ code: 'ERR_POOL_STOPPED', state: 'stopping' })
    const report = await stopped
    expect(await first.closed).toBe(report)
    expect(report).toMatchObject({ reason: 'deploy', succeeded: 0, left: { count: 0 }, unrecorded: 0 })
    expect(first.state).toBe('stopped')
    expect(() => first.start()).toThrow(expect.objectContaining({ code: 'ERR_POOL_STOPPED' }))
    await expect(first.queueTask('work')).rejects.toMatchObject({ state: 'stopped' })
    expect(events).toEqual([{ reason: 'deploy' }, report])
    expect(await second.findTask(task.id)).toMatchObject({ state: 'queued' })
  })

  it('lets what runs end within the grace', async () => {
    const { open } = await shared()
    const { deaf, finish } = kinds()
    const started = gate()
    const pool = (await open({ deaf })).on('started', () => started.open()).start()
    const reader = await open({ deaf })
    const task = await pool.queueTask('deaf')
    await started.promise
    const stopped = pool.stop()
    finish()
    expect(await stopped).toMatchObject({ succeeded: 1, failed: 0, canceled: 0, unrecorded: 0 })
    expect(await reader.findTask(task.id)).toMatchObject({ state: 'succeeded' })
  })

  it('gives back what may be called again, and cancels or fails the rest', async () => {
    const { open } = await shared()
    const [a, b] = [kinds(), kinds()]
    const handlers = {
      politeAgain: { run: a.polite, rerun: true },
      deafAgain: { run: a.deaf, rerun: true },
      polite: b.polite,
      deaf: b.deaf
    }
    const pool = (await open(handlers, { concurrency: 4, leaseMs: 4_000 })).start()
    const reader = await open(handlers)
    const [politeAgain, deafAgain, polite, deaf] = [
      await pool.queueTask('politeAgain'),
      await pool.queueTask('deafAgain'),
      await pool.queueTask('polite'),
      await pool.queueTask('deaf')
    ]
    await Promise.all([a.running, b.running])
    const report = await pool.stop({ graceMs: 0, forceMs: 50 })
    expect(report).toMatchObject({
      aborted: { count: 1, ids: [polite.id] },
      interrupted: { count: 1, ids: [deaf.id] },
      left: { count: 2, ids: [politeAgain.id, deafAgain.id] },
      unrecorded: 0
    })
    expect(report).toMatchObject({ succeeded: 0, failed: 1, canceled: 1 })
    expect(await reader.findTask(politeAgain.id)).toMatchObject({ state: 'queued', attempt: 1 })
    expect(await reader.findTask(polite.id)).toMatchObject({ state: 'canceled', reason: 'pool_stopped' })
    expect(await reader.findTask(deaf.id)).toMatchObject({ state: 'failed', error: { code: 'ERR_TASK_INTERRUPTED' } })
    const again = { run: async () => 'again', rerun: true }
    const next = (await open({ politeAgain: again, deafAgain: again }, { leaseMs: 4_000 })).start()
    for (const { id } of [politeAgain, deafAgain]) {
      await expect.poll(() => next.findTask(id)).toMatchObject({ state: 'succeeded', result: 'again', attempt: 2 })
    }
    for (const { finish } of [a, b]) finish()
  })

  it('takes nothing that it claims while it stops', async () => {
    const { open } = await shared()
    const { deaf, finish } = kinds()
    const started = gate()
    const pool = (await open({ deaf, work: async () => 1 }, { concurrency: 2 }))
      .on('started', () => started.open())
      .start()
    const other = await open({ deaf, work: async () => 1 })
    await pool.queueTask('deaf')
    await started.promise
    const stopped = pool.stop()
    const late = await Promise.all([other.queueTask('work'), other.queueTask('work')])
    finish()
    await stopped
    for (const { id } of late) {
      const record = await other.findTask(id)
      expect(record).toMatchObject({ state: 'queued', attempt: 0 })
      expect(record).not.toHaveProperty('startedAt')
    }
  })

  it('shows those who follow a task its end, or that none is seen here any more', async () => {
    const { open } = await shared()
    const begun = gate()
    const run = async (_input: undefined, { signal }: TaskContext): Promise<never> => {
      begun.open()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw signal.reason
    }
    const pool = (await open({ run }, { concurrency: 1 })).start()
    const [aborted, left] = [await pool.queueTask('run'), await pool.queueTask('run')]
    await begun.promise
    const changes = left.changes()[Symbol.asyncIterator]()
    expect((await changes.next()).value).toMatchObject({ state: 'queued' })
    const [end, none] = [aborted.settled(), left.result()]
    none.catch(() => {})
    await pool.stop({ graceMs: 0 })
    expect(await end).toMatchObject({ state: 'canceled', reason: 'pool_stopped' })
    await expect(none).rejects.toMatchObject({ code: 'ERR_STORE', message: expect.stringContaining(left.id) })
    await expect(changes.next()).rejects.toMatchObject({ code: 'ERR_STORE' })
    await expect(left.settled()).rejects.toMatchObject({ code: 'ERR_STORE' })
  })

  it('ends with its block', async () => {
    const { open } = await shared()
    const pool = await open({ work: async () => 1 })
    await pool[Symbol.asyncDispose]()
    expect(pool.state).toBe('stopped')
  })

  it('does not wait for a Redis that is gone, and counts what could not be written', async () => {
    const { open, server } = await shared()
    const { deaf, finish } = kinds()
    const started = gate()
    const pool = (await open({ deaf })).on('started', () => started.open()).start()
    await pool.queueTask('deaf')
    await started.promise
    await server.kill()
    finish()
    expect(await pool.stop({ graceMs: 1_000, forceMs: 100 })).toMatchObject({ succeeded: 0, unrecorded: 1 })
  })
})
