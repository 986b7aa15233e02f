import type { TaskContext, TaskRecord } from 'coatcheck'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gate } from '../support/gate.js'
import { keys } from './support/lost-process.js'
import { hasRedis, shared } from './support/pools.js'

const steps = () => {
  const [begun, half, done] = [gate(), gate(), gate()]
  const run = async (_input: undefined, { progress }: TaskContext): Promise<string> => {
    begun.open()
    await half.promise
    progress(0.5, 'half\0way')
    await done.promise
    return 'done'
  }
  return { begun: begun.promise, half, done, run }
}

describe.skipIf(!hasRedis)('the changes of a task', () => {
  it('are seen in a process that has nothing to do with it', async () => {
    const { open } = await shared()
    const { begun, half, done, run } = steps()
    const worker = (await open({ run })).start()
    const reader = await open({ run })
    const { id } = await worker.queueTask('run')
    await begun
    const seen: TaskRecord[] = []
    for await (const record of reader.changes(id, new AbortController().signal)) {
      seen.push(record)
      if (record.state === 'running') half.open()
      if (record.progress !== undefined) done.open()
    }
    expect(seen.map(({ revision }) => revision)).toEqual(seen.map(({ revision }) => revision).toSorted((a, b) => a - b))
    expect(seen.find(({ progress }) => progress !== undefined)?.progress).toEqual({ ratio: 0.5, message: 'halfway' })
    expect(seen.at(-1)).toMatchObject({ state: 'succeeded', result: 'done' })
  })

  it('are announced, the end in the step that settles the task', async () => {
    const { open, redis } = await shared()
    const { begun, half, done, run } = steps()
    const pool = (await open({ run })).start()
    const { id } = await pool.queueTask('run')
    await begun
    half.open()
    await expect.poll(() => pool.findTask(id)).toMatchObject({ progress: { ratio: 0.5 } })
    const listener = redis.duplicate()
    onTestFinished(() => listener.disconnect())
    const announced: string[] = []
    listener.on('message', () => announced.push('a change'))
    await listener.subscribe(keys.changes(id))
    done.open()
    await expect.poll(() => pool.findTask(id)).toMatchObject({ state: 'succeeded' })
    await expect.poll(() => announced).toEqual(['a change'])
  })

  it('are read also when no message comes', async () => {
    const { open, redis } = await shared()
    const pool = await open({ run: async () => 1 })
    const task = await pool.queueTask('run')
    const changes = task.changes()[Symbol.asyncIterator]()
    expect((await changes.next()).value).toMatchObject({ state: 'queued' })
    await redis.hincrby(keys.job(task.id), 'rev', 1)
    expect((await changes.next()).value).toMatchObject({ revision: task.accepted.revision + 1 })
    await changes.return?.()
  })

  it('end when the reader leaves, and cost nothing then', async () => {
    const { open, redis } = await shared()
    const pool = await open({ run: async () => 1 })
    const task = await pool.queueTask('run')
    const leave = new AbortController()
    const [first, second] = [task.changes({ signal: leave.signal }), task.changes()].map((changes) =>
      changes[Symbol.asyncIterator]()
    )
    await Promise.all([first!.next(), second!.next()])
    const channels = () => redis.pubsub('CHANNELS', '*changes')
    await expect.poll(channels).toHaveLength(1)
    const waiting = first!.next()
    leave.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    await expect(task.changes({ signal: leave.signal })[Symbol.asyncIterator]().next()).rejects.toThrow('gone')
    expect(await channels()).toHaveLength(1)
    await second!.return?.()
    await expect.poll(channels).toEqual([])
  })

  it('end when the task is forgotten', async () => {
    const { open, redis } = await shared()
    const pool = await open({ run: async () => 1 })
    const task = await pool.queueTask('run')
    const changes = task.changes()[Symbol.asyncIterator]()
    await changes.next()
    await redis.del(keys.job(task.id))
    expect(await changes.next()).toEqual({ done: true, value: undefined })
  })

  it('survive a Redis that is away for a while', async () => {
    const { open, server } = await shared()
    const pool = await open({ run: async () => 1 })
    const task = await pool.queueTask('run')
    const changes = task.changes()[Symbol.asyncIterator]()
    let { value } = await changes.next()
    await server.kill()
    await server.start()
    pool.start()
    while (value?.settledAt === undefined) ({ value } = await changes.next())
    expect(value).toMatchObject({ state: 'succeeded', result: 1 })
  })

  it('end with the task also on a server that took over without the last changes', async () => {
    const { open, redis } = await shared()
    const { begun, half, done, run } = steps()
    const pool = (await open({ run })).start()
    const task = await pool.queueTask('run')
    await begun
    half.open()
    const changes = task.changes()[Symbol.asyncIterator]()
    let { value } = await changes.next()
    while (value?.progress === undefined) ({ value } = await changes.next())
    await redis.hset(keys.job(task.id), { rev: -100 })
    done.open()
    expect((await changes.next()).value).toMatchObject({ state: 'succeeded', result: 'done' })
    expect(await changes.next()).toEqual({ done: true, value: undefined })
  })

  it('throw what else goes wrong than Redis', async () => {
    const { open, redis } = await shared()
    const pool = await open({ run: async () => 1 })
    const task = await pool.queueTask('run')
    const changes = task.changes()[Symbol.asyncIterator]()
    await changes.next()
    await redis.hset(keys.job(task.id), { opts: 'not what the pool wrote' })
    await expect(changes.next()).rejects.toThrow(SyntaxError)
  })

  it('hold at most ten progress writes a second, and the last one', async () => {
    const { open, redis } = await shared()
    const run = async (_input: undefined, { progress }: TaskContext): Promise<void> => {
      for (let step = 1; step <= 300; step++) {
        progress(step / 300)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const pool = (await open({ run })).start()
    const startedAt = performance.now()
    const task = await pool.queueTask('run')
    expect((await task.settled()).progress).toEqual({ ratio: 1 })
    const intervals = Math.ceil((performance.now() - startedAt) / 100)
    // Changes: the start, the first write, one in each interval, the last one.
    expect(Number(await redis.hget(keys.job(task.id), 'rev'))).toBeLessThanOrEqual(3 + intervals)
  })
})
