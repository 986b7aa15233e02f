import { getEventListeners } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, threadId } from 'node:worker_threads'
import type { TaskContext, TaskRecord } from 'coatcheck'
import { cpuTask } from 'coatcheck/threads'
import { describe, expect, it } from 'vitest'
import { inThread, started, Threads } from './support.js'

const url = (name: string): URL => new URL(name, import.meta.url)

describe('a task in a thread', () => {
  it('has the result of its function, which runs in another thread', async () => {
    const pool = started({ double: inThread('double'), thread: inThread('thread') })
    expect(await pool.queueTask('double', { n: 21 }).result()).toBe(42)
    expect(isMainThread).toBe(true)
    expect(await pool.queueTask('thread').result()).not.toBe(threadId)
  })

  it('has the context of its attempt', async () => {
    const pool = started({ context: inThread('context') })
    const task = pool.queueTask('context', undefined, { id: 'a-ticket', key: 'acme', metadata: { from: 'here' } })
    expect(await task.result()).toMatchObject({
      ...{ id: 'a-ticket', name: 'context', key: 'acme', attempt: 1, metadata: { from: 'here' } },
      ...{ aborted: [false, false], isSignal: true }
    })
  })

  it('copies what it is given and what it returns', async () => {
    const pool = started({ echo: inThread('echo') })
    const value = { list: [1, new Date(0), new Map([['a', new Uint8Array([1, 2])]])], nothing: undefined }
    const copy = await pool.queueTask('echo', value).result()
    expect(copy).toEqual(value)
    expect(copy).not.toBe(value)
  })

  it('reports progress, the last one before its end', async () => {
    const pool = started({ steps: inThread('steps') })
    const seen: TaskRecord['progress'][] = []
    pool.on('progress', (task) => void seen.push(task.record().progress))
    const task = pool.queueTask('steps', [
      [0.1, 'first'],
      ...Array.from({ length: 10_000 }, () => [0.2] as [number]),
      [1, 'last']
    ])
    await task.result()
    expect(task.record().progress).toEqual({ ratio: 1, message: 'last' })
    expect(seen[0]).toEqual({ ratio: 0.1, message: 'first' })
    expect(seen.length).toBeLessThan(10_000) // one message is on its way at most
  })

  it('fails when it reports progress that is none, as without a thread', async () => {
    const pool = started({ steps: inThread('steps') })
    const wrong = pool.queueTask('steps', [['half' as unknown as number]])
    await expect(wrong.result()).rejects.toThrow('Expected `ratio` to be a number, got `"half"` (string)')
  })

  it('moves parts of the input and of the result if they are named', async () => {
    const pool = started({
      echo: inThread('echo', { transfer: (input) => [(input as Uint8Array).buffer as ArrayBuffer] }),
      moved: inThread('moved')
    })
    const bytes = new Uint8Array([1, 2, 3])
    expect(await pool.queueTask('echo', bytes).result()).toEqual(new Uint8Array([1, 2, 3]))
    expect(bytes.byteLength).toBe(0)
    expect(await pool.queueTask('moved', 3).result()).toEqual(new Uint8Array([7, 7, 7]))
  })

  it('is a handler with all of its options', async () => {
    const pool = started({ fail: inThread('fail', { retry: { attempts: 3, backoffMs: () => 0 } }) })
    const task = pool.queueTask('fail', 'again')
    await task.settled()
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 3 })
  })

  it('leaves no listener on the signals of its context', async () => {
    const handler = inThread('double')
    const pool = started({})
    const left = pool.queueTask(async (ctx: TaskContext) => {
      await handler.run({ n: 1 }, ctx)
      return [ctx.signal, ctx.stopping].map((signal) => getEventListeners(signal, 'abort').length)
    })
    expect(await left.result()).toEqual([0, 0])
  })
})

describe('the file of a task', () => {
  it('may export the function by default', async () => {
    const pool = started({ byDefault: cpuTask<() => string>({ file: url('functions.mjs') }) })
    expect(await pool.queueTask('byDefault').result()).toBe('by default')
  })

  it('may be CommonJS, and be named by its path', async () => {
    const file = fileURLToPath(url('functions.cjs'))
    const pool = started({ triple: cpuTask<(input: number) => number>({ file, export: 'triple' }) })
    expect(await pool.queueTask('triple', 2).result()).toBe(6)
  })

  it('may need options of Node: TypeScript by tsx', async () => {
    type Shout = typeof import('./functions.js').shout
    const options = { file: url('functions.ts'), export: 'shout', execArgv: ['--import', 'tsx'] }
    const pool = started({ shout: cpuTask<Shout>(options) })
    expect(await pool.queueTask('shout', { text: 'hey' }).result()).toBe('HEY')
  })
})

describe('the threads of tasks', () => {
  it('are used again, by tasks of any handler', async () => {
    const threads = new Threads()
    const pool = started({ thread: inThread('thread'), context: inThread('context') }, { concurrency: 1 })
    const first = await pool.queueTask('thread').result()
    expect(await pool.queueTask('thread').result()).toBe(first)
    expect((await pool.queueTask('context', undefined).result()).threadId).toBe(first)
    expect(threads.started).toBeLessThanOrEqual(1) // a test before may have left one
  })

  it('are as many as tasks run at a time', async () => {
    const threads = new Threads()
    const pool = started({ echo: inThread('echo'), double: inThread('double') }, { concurrency: 3 })
    const tasks = Array.from({ length: 60 }, (_, n) =>
      n % 2 ? pool.queueTask('echo', n) : pool.queueTask('double', { n })
    )
    await Promise.all(tasks.map((task) => task.result()))
    expect(threads.peak).toBeLessThanOrEqual(3)
  })
})
