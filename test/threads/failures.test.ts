import { isPoolError, snooze } from 'coatcheck'
import { cpuTask, ThreadDataError, ThreadExitError, ThreadFileError } from 'coatcheck/threads'
import { describe, expect, it, vi } from 'vitest'
import { inThread, started, Threads } from './support.js'

const thrown = (task: { result(): Promise<unknown> }): Promise<unknown> =>
  task.result().catch((error: unknown) => error)

describe('an error in a thread', () => {
  it('keeps its name, message, code, expose, stack and cause', async () => {
    const pool = started({ fail: inThread('fail') })
    const error = (await thrown(pool.queueTask('fail', 'mine'))) as Error
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'TypeError', message: 'mine', code: 'E_MINE', expose: true })
    expect(error.stack).toMatch(/^TypeError: mine\n {4}at .*functions\.mjs/)
    expect(error.cause).toMatchObject({ name: 'Error', message: 'the cause', code: 'E_CAUSE' })
  })

  it.each([['a text'], [404], [null], [{ status: 404 }]])('may be any value: %o', async (value) => {
    const pool = started({ reject: inThread('reject') })
    expect(await thrown(pool.queueTask('reject', value))).toEqual(value)
  })

  it('may be a snooze', async () => {
    const { snoozing } = {
      snoozing: cpuTask<(input: number) => string>({
        file: new URL('snoozing.ts', import.meta.url),
        export: 'snoozing',
        execArgv: ['--import', 'tsx']
      })
    }
    const pool = started({ snoozing })
    const delays: number[] = []
    pool.on('snoozed', (_, { delayMs }) => void delays.push(delayMs))
    expect(snooze(1)).toBeInstanceOf(Error)
    expect(await pool.queueTask('snoozing', 2).result()).toBe('awake')
    expect(delays).toEqual([1, 1])
  })
})

describe('a thread that ends by itself', () => {
  it.each([0, 3])('by process.exit(%d): the task fails with the exit code', async (code) => {
    const pool = started({ exit: inThread('exit'), double: inThread('double') })
    const error = await thrown(pool.queueTask('exit', code))
    expect(error).toBeInstanceOf(ThreadExitError)
    expect(error).toMatchObject({
      ...{ name: 'ThreadExitError', code: 'ERR_THREAD_EXIT', exitCode: code },
      message: `The thread of the task ended: \`process.exit\` was called in it, with the exit code ${code}.`
    })
    expect(isPoolError(error)).toBe(true)
    expect(await pool.queueTask('double', { n: 1 }).result()).toBe(2)
  })

  it('out of memory: the task fails, the process does not', async () => {
    const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 }
    const pool = started({ outOfMemory: inThread('outOfMemory', { resourceLimits }), double: inThread('double') })
    const error = await thrown(pool.queueTask('outOfMemory'))
    expect(error).toBeInstanceOf(ThreadExitError)
    expect(error).toMatchObject({
      message: 'The thread of the task ended: out of memory.',
      cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' }
    })
    expect(await pool.queueTask('double', { n: 1 }).result()).toBe(2)
  })

  it('by an exception that nobody catches: it is the cause', async () => {
    const pool = started({ crash: inThread('crash'), double: inThread('double') })
    const error = await thrown(pool.queueTask('crash'))
    expect(error).toBeInstanceOf(ThreadExitError)
    expect(error).toMatchObject({
      message: 'The thread of the task ended: an exception was not caught, see `cause`.',
      cause: { message: 'not caught', code: 'E_CRASH' }
    })
    expect(await pool.queueTask('double', { n: 1 }).result()).toBe(2)
  })

  it('when its task has ended: the error is printed, as no task has it', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {})
    const threads = new Threads()
    const pool = started({ crashLater: inThread('crashLater'), exit: inThread('exit') }, { concurrency: 1 })
    await thrown(pool.queueTask('exit', 0)) // so that the next one starts its own
    await pool.queueTask('crashLater').result()
    await threads.gone()
    expect(print.mock.calls.map(([line]) => line)).toEqual(['coatcheck: unobserved error: Error: left behind\n'])
    print.mockRestore()
  })

  it('before it can be called, as its options are wrong', async () => {
    const pool = started({ double: inThread('double', { execArgv: ['--import', 'a-package-that-is-not-there'] }) })
    const error = await thrown(pool.queueTask('double', { n: 1 }))
    expect(error).toBeInstanceOf(ThreadExitError)
    expect(error).toMatchObject({ cause: { code: 'ERR_MODULE_NOT_FOUND' } })
  })
})

describe('a function that cannot be loaded', () => {
  const at = (name: string) => new URL(name, import.meta.url)

  it.each([
    ['has no file', 'none.mjs', { code: 'ERR_MODULE_NOT_FOUND' }],
    ['has a file that throws', 'broken.mjs', { code: 'E_BROKEN', message: 'broken at its first line' }]
  ])('%s: the task fails, with the cause', async (_, name, cause) => {
    const pool = started({ load: cpuTask({ file: at(name) }), double: inThread('double') }, { concurrency: 1 })
    const error = await thrown(pool.queueTask('load', undefined as never))
    expect(error).toBeInstanceOf(ThreadFileError)
    expect(error).toMatchObject({
      ...{ name: 'ThreadFileError', code: 'ERR_THREAD_FILE', file: at(name).href, export: 'default', cause },
      message: 'The file of the task cannot be loaded in a thread: see `file` and `cause`.'
    })
    expect(await pool.queueTask('double', { n: 1 }).result()).toBe(2)
  })

  it.each([
    ['dooble', '; did you mean `double`?'],
    ['notAFunction', ': see `file`.']
  ])('is not exported (%s): the task fails, with what is near', async (name, hint) => {
    const pool = started({ load: cpuTask({ file: at('functions.mjs'), export: name }) })
    const error = await thrown(pool.queueTask('load', undefined as never))
    expect(error).toBeInstanceOf(ThreadFileError)
    expect(error).toMatchObject({
      message: `The file of the task exports no function \`${name}\`${hint}`,
      export: name
    })
  })
})

describe('data that cannot be sent', () => {
  it('of the input: the task fails, and its thread serves the next one', async () => {
    const pool = started({ echo: inThread('echo'), thread: inThread('thread') }, { concurrency: 1 })
    const thread = await pool.queueTask('thread').result()
    const error = await thrown(pool.queueTask('echo', { callback: () => {} }))
    expect(error).toBeInstanceOf(ThreadDataError)
    expect(error).toMatchObject({
      ...{ name: 'ThreadDataError', code: 'ERR_THREAD_DATA', part: 'input', cause: { name: 'DataCloneError' } },
      message: 'The input of the task cannot be sent between threads by the structured clone algorithm: see `cause`.'
    })
    expect(await pool.queueTask('thread').result()).toBe(thread)
  })

  it('of the input of the first call of a thread', async () => {
    const pool = started({ exit: inThread('exit'), echo: inThread('echo') }, { concurrency: 1 })
    await thrown(pool.queueTask('exit', 0))
    expect(await thrown(pool.queueTask('echo', Symbol('none')))).toBeInstanceOf(ThreadDataError)
    expect(await pool.queueTask('echo', 1).result()).toBe(1)
  })

  it.each(['uncloneable', 'movedTwice'] as const)('of the result: the same (%s)', async (name) => {
    const pool = started({ [name]: inThread(name), thread: inThread('thread') }, { concurrency: 1 })
    const thread = await pool.queueTask('thread').result()
    const error = await thrown(pool.queueTask(name, undefined))
    expect(error).toBeInstanceOf(ThreadDataError)
    expect(error).toMatchObject({ part: 'result', cause: { name: 'DataCloneError' } })
    expect(await pool.queueTask('thread').result()).toBe(thread)
  })

  it('of what decides about it: an error of `transfer` is that of the task', async () => {
    const transfer = (): never => {
      throw new RangeError('no list')
    }
    const pool = started({ echo: inThread('echo', { transfer }) })
    await expect(pool.queueTask('echo', 1).result()).rejects.toThrow('no list')
    const strange = started({ echo: inThread('echo', { transfer: () => 1 as never }) })
    await expect(strange.queueTask('echo', 1).result()).rejects.toThrow(TypeError)
  })
})
