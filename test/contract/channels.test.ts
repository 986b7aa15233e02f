import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type DiagnosticsChannelName, type DiagnosticsMessage, WorkerPool } from 'coatcheck'
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import { ManualClock } from '../support/manual-clock.js'

/** Subscribes to a channel for the time of a test. */
const hear = (name: DiagnosticsChannelName, take: (message: DiagnosticsMessage, name: string | symbol) => void) => {
  const onMessage = (message: unknown, from: string | symbol) => take(message as DiagnosticsMessage, from)
  subscribe(name, onMessage)
  const leave = () => void unsubscribe(name, onMessage)
  onTestFinished(leave)
  return leave
}

const CHANNELS = [
  'coatcheck:task.queued',
  'coatcheck:task.started',
  'coatcheck:task.progress',
  'coatcheck:task.retrying',
  'coatcheck:task.snoozed',
  'coatcheck:task.succeeded',
  'coatcheck:task.failed',
  'coatcheck:task.canceled',
  'coatcheck:task.settled',
  'coatcheck:task.stuck',
  'coatcheck:task.refused',
  'coatcheck:pool.idle',
  'coatcheck:pool.stopping',
  'coatcheck:pool.stopped',
  'coatcheck:pool.store'
] as const satisfies readonly DiagnosticsChannelName[]

const setup = () => {
  const clock = new ManualClock()
  const unobserved: unknown[] = []
  const pool = new WorkerPool({
    name: 'reports',
    concurrency: 1,
    queueCapacity: 1,
    clock,
    retry: { attempts: 2, backoffMs: 0 },
    onUnobservedError: (error) => void unobserved.push(error)
  }).start()
  const settle = async () => {
    await clock.advance(1)
    await clock.turn()
  }
  onTestFinished(async () => {
    const stopped = pool.stop({ graceMs: 0, forceMs: 0 })
    await clock.turn()
    await stopped
  })
  return { clock, pool, unobserved, settle }
}

describe('diagnostics channels', () => {
  it('carry the events of a pool in their order, with its name', async () => {
    const heard: string[] = []
    for (const name of CHANNELS) {
      hear(name, (message, from) => {
        expect(from).toBe(name)
        heard.push(`${String(from).slice('coatcheck:'.length)} ${message.pool} ${message.task?.name}`)
      })
    }
    const { pool, settle } = setup()
    const run = () => Promise.reject(new Error('no such address'))
    pool.queueTask(run, { name: 'mail' })
    await settle()
    const stopped = pool.stop()
    await settle()
    await stopped
    expect(heard).toEqual([
      'task.queued reports mail',
      'task.started reports mail',
      'task.retrying reports mail',
      'task.started reports mail',
      'task.failed reports mail',
      'task.settled reports mail',
      'pool.idle reports undefined',
      'pool.stopping reports undefined',
      'pool.stopped reports undefined'
    ])
  })

  it('carry what listeners get besides the task', async () => {
    const details: unknown[] = []
    hear('coatcheck:task.refused', ({ task, detail }) => details.push([task, detail]))
    hear('coatcheck:task.failed', ({ detail }) =>
      details.push((detail as DiagnosticsMessage<'failed'>['detail'])?.error)
    )
    hear('coatcheck:pool.stopping', ({ detail }) => details.push(detail))
    const { pool, settle } = setup()
    const error = new Error('no such address')
    pool.queueTask(() => Promise.reject(error))
    await settle()
    pool.queueTask(() => 1)
    pool.queueTask(() => 2)
    expect(() => pool.queueTask(() => 3, { name: 'third', key: 'k' })).toThrow()
    await settle()
    const stopped = pool.stop({ reason: 'deploy' })
    await settle()
    await stopped
    expect(details).toEqual([
      error,
      [undefined, { error: expect.objectContaining({ code: 'ERR_QUEUE_FULL' }), name: 'third', key: 'k' }],
      { reason: 'deploy' }
    ])
  })

  it('of a task run in the context of the call that queued it', async () => {
    const request = new AsyncLocalStorage<number>()
    const contexts: unknown[] = []
    hear('coatcheck:task.settled', () => contexts.push(request.getStore()))
    const { pool, settle } = setup()
    request.run(7, () => pool.queueTask(() => 1))
    await settle()
    expect(contexts).toEqual([7])
  })

  it('that get a subscriber later are found within a second of use, and at once by a start, a refusal or a stop', async () => {
    const { clock, pool, settle } = setup()
    const heard: string[] = []
    pool.queueTask(() => 1)
    await settle()
    hear('coatcheck:task.settled', () => heard.push('settled'))
    hear('coatcheck:pool.stopping', () => heard.push('stopping'))
    await clock.advance(1_000)
    pool.queueTask(() => 2)
    await settle()
    expect(heard).toEqual(['settled'])
    const stopped = pool.stop()
    await settle()
    await stopped
    expect(heard).toEqual(['settled', 'stopping'])
  })

  it('are left alone once nobody subscribes any more', async () => {
    const heard: unknown[] = []
    const leave = hear('coatcheck:task.settled', ({ task }) => heard.push(task))
    const { clock, pool, settle } = setup()
    const first = pool.queueTask(() => 1)
    await settle()
    leave()
    pool.queueTask(() => 2)
    await settle()
    hear('coatcheck:task.settled', ({ task }) => heard.push(task))
    await clock.advance(1_000)
    const third = pool.queueTask(() => 3)
    await settle()
    expect(heard).toEqual([first, third])
  })

  it('do not count as observers of a failure, while listeners do', async () => {
    for (const name of CHANNELS) hear(name, () => {})
    const { pool, unobserved, settle } = setup()
    const error = new Error('no such address')
    pool.queueTask(() => Promise.reject(error))
    await settle()
    expect(unobserved).toEqual([error])
    pool.on('failed', () => {})
    pool.queueTask(() => Promise.reject(error))
    await settle()
    expect(unobserved).toEqual([error])
  })

  it('whose subscribers throw harm neither the pool nor other subscribers nor listeners', async () => {
    const bug = new Error('bug of a subscriber')
    const uncaught: unknown[] = []
    const onUncaught = process.rawListeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => void uncaught.push(error))
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const listener of onUncaught) process.on('uncaughtException', listener as (error: Error) => void)
    })
    const heard: string[] = []
    for (const name of CHANNELS) {
      hear(name, () => {
        throw bug
      })
      hear(name, (_, from) => heard.push(String(from)))
    }
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
    pool.on('settled', () => heard.push('listener'))
    expect(await pool.queueTask(() => 'value').result()).toBe('value')
    await pool.stop()
    expect(pool.stats().totals).toMatchObject({ submitted: 1, accepted: 1, succeeded: 1 })
    expect(heard).toEqual([
      'coatcheck:task.queued',
      'coatcheck:task.started',
      'coatcheck:task.succeeded',
      'coatcheck:task.settled',
      'listener',
      'coatcheck:pool.idle',
      'coatcheck:pool.stopping',
      'coatcheck:pool.stopped'
    ])
    while (uncaught.length < 7) await once(process, 'uncaughtException')
    expect(new Set(uncaught)).toEqual(new Set([bug]))
  })

  it('have names and messages that the type checker knows', () => {
    expectTypeOf<(typeof CHANNELS)[number]>().toEqualTypeOf<DiagnosticsChannelName>()
    expectTypeOf<DiagnosticsMessage<'idle'>['task']>().toEqualTypeOf<undefined>()
    expectTypeOf<NonNullable<DiagnosticsMessage<'retrying'>['detail']>['delayMs']>().toBeNumber()
  })
})
