import { hasSubscribers } from 'node:diagnostics_channel'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { snooze, type TaskContext, WorkerPool, type WorkerPoolOptions } from 'coatcheck'
import { observe } from 'coatcheck/telemetry'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gate } from '../support/gate.js'
import { histogram, pointsOf, sdk } from './sdk.js'

const poolWith = (options: Partial<WorkerPoolOptions<Record<never, never>>> = {}) => {
  const unobserved: unknown[] = []
  const pool = new WorkerPool({
    name: 'reports',
    concurrency: 1,
    queueCapacity: 2,
    onUnobservedError: (error) => void unobserved.push(error),
    ...options
  }).start()
  onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
  return { pool, unobserved }
}

/** A task that runs until the test ends it. */
const held = () => {
  const [begun, ended] = [gate<TaskContext>(), gate<unknown>()]
  const run = (context: TaskContext) => {
    begun.open(context)
    return ended.promise
  }
  return { run, begun: begun.promise, end: () => ended.open('done') }
}

const REPORTS = { 'coatcheck.pool.name': 'reports' }

describe('metrics', () => {
  it('are the statistics of the pool, with units and the name of the pool', async () => {
    const { meter, collect } = sdk()
    const { pool } = poolWith()
    onTestFinished(observe(pool, { meter }))
    const work = held()
    pool.queueTask(work.run)
    pool.queueTask(() => 2)
    pool.queueTask(() => 3)
    expect(() => pool.queueTask(() => 4)).toThrow()
    await work.begun
    const metrics = await collect()
    const value = (name: string) => pointsOf(metrics.get(name))
    expect(value('coatcheck.tasks.running')).toEqual([[REPORTS, 1]])
    expect(value('coatcheck.tasks.queued')).toEqual([[REPORTS, 2]])
    expect(value('coatcheck.workers.limit')).toEqual([[REPORTS, 1]])
    expect(value('coatcheck.queue.limit')).toEqual([[REPORTS, 2]])
    expect(value('coatcheck.tasks.accepted')).toEqual([[REPORTS, 3]])
    expect(value('coatcheck.tasks.refused')).toEqual([[REPORTS, 1]])
    const [[, oldest = 0] = []] = value('coatcheck.queue.oldest')
    expect(oldest).toBeLessThan(60)
    expect(oldest).toBeGreaterThanOrEqual(0)
    work.end()
    await pool.drain()
    expect(pointsOf((await collect()).get('coatcheck.tasks.settled'))).toEqual([
      [{ ...REPORTS, 'coatcheck.outcome': 'succeeded' }, 3],
      [{ ...REPORTS, 'coatcheck.outcome': 'failed' }, 0],
      [{ ...REPORTS, 'coatcheck.outcome': 'canceled' }, 0]
    ])
  })

  it('have the weights of a pool that bounds them, and none of another', async () => {
    const { meter, collect } = sdk()
    const [heavy, plain] = [poolWith({ name: 'heavy', weightCapacity: 8 }), poolWith({ name: 'plain' })]
    for (const { pool } of [heavy, plain]) onTestFinished(observe(pool, { meter }))
    const work = held()
    const task = heavy.pool.queueTask(work.run, { weight: 3 })
    await work.begun
    const weights = async () => {
      const metrics = await collect()
      return ['coatcheck.weight.held', 'coatcheck.weight.limit'].map((name) => pointsOf(metrics.get(name)))
    }
    const name = { 'coatcheck.pool.name': 'heavy' }
    expect(await weights()).toEqual([[[name, 3]], [[name, 8]]])
    work.end()
    await task.settled()
    expect(await weights()).toEqual([[[name, 0]], [[name, 8]]])
  })

  it('have names and units of the semantic conventions', async () => {
    const { meter, collect } = sdk()
    const { pool } = poolWith({ weightCapacity: 8 })
    onTestFinished(observe(pool, { meter }))
    await pool.queueTask(() => 1).result()
    const metrics = await collect()
    expect(metrics.size).toBe(20)
    for (const [name, { descriptor }] of metrics) {
      expect(name).toMatch(/^coatcheck(\.[a-z]+(_[a-z]+)*)+$/)
      expect(name).not.toMatch(/total|seconds|_s$/)
      expect(descriptor.unit).toMatch(/^(s|\{[a-z]+\})$/)
      expect(descriptor.description).toMatch(/\.$/)
    }
  })

  it('time waits and attempts in seconds, by the name of the task and the outcome', async () => {
    const { meter, collect } = sdk()
    const { pool } = poolWith({ retry: { attempts: 2, backoffMs: 0 } })
    onTestFinished(observe(pool, { meter }))
    await pool.queueTask(() => 1, { name: 'resize', key: 'customer' }).result()
    const failure = Object.assign(new TypeError('secret'), { code: 'E_NO_DISK' })
    await pool.queueTask(() => Promise.reject(failure), { name: 'mail' }).settled()
    const metrics = await collect()
    const counts = (name: string) =>
      histogram(metrics, name).map(({ attributes, value: { count } }) => [attributes, count])
    const [resize, mail] = [
      { ...REPORTS, 'coatcheck.task.name': 'resize' },
      { ...REPORTS, 'coatcheck.task.name': 'mail' }
    ]
    expect(counts('coatcheck.task.wait.duration')).toEqual([
      [resize, 1],
      [mail, 1]
    ])
    expect(counts('coatcheck.attempt.duration')).toEqual([
      [{ ...resize, 'coatcheck.outcome': 'succeeded' }, 1],
      [{ ...mail, 'coatcheck.outcome': 'retried', 'error.type': 'E_NO_DISK' }, 1],
      [{ ...mail, 'coatcheck.outcome': 'failed', 'error.type': 'E_NO_DISK' }, 1]
    ])
  })

  it('have as many durations as the statistics count', async () => {
    const { meter, collect } = sdk()
    const { pool } = poolWith({ concurrency: 4, queueCapacity: 1_000, retry: { attempts: 3, backoffMs: 0 } })
    onTestFinished(observe(pool, { meter }))
    for (let n = 0; n < 500; n++) {
      const task = pool.queueTask(() => (n % 3 === 0 ? Promise.reject(new Error('no')) : n))
      if (n % 7 === 0) task.cancel()
    }
    await pool.drain()
    const metrics = await collect()
    const { waitMs, runMs, totals } = pool.stats()
    const count = (name: string) => histogram(metrics, name).reduce((sum, { value }) => sum + value.count, 0)
    expect(count('coatcheck.task.wait.duration')).toBe(waitMs.count)
    expect(count('coatcheck.attempt.duration')).toBe(runMs.count)
    expect(totals.failed).toBeGreaterThan(100)
  })
})

describe('the span of an attempt', () => {
  it('is linked to the span in which its task was queued, in a trace of its own', async () => {
    const { tracer, spans } = sdk()
    const { pool } = poolWith()
    onTestFinished(observe(pool, { tracer }))
    await tracer.startActiveSpan('POST /tasks', async (request) => {
      const task = pool.queueTask(() => 1, { name: 'resize', key: 'customer', id: 'my-id' })
      request.end()
      await task.result()
    })
    const [request, attempt] = spans()
    expect(attempt).toMatchObject({ name: 'run resize', kind: SpanKind.INTERNAL, parentSpanContext: undefined })
    expect(attempt?.links.map(({ context }) => context)).toEqual([request?.spanContext()])
    expect(attempt?.spanContext().traceId).not.toBe(request?.spanContext().traceId)
    expect(attempt?.attributes).toEqual({
      ...REPORTS,
      'coatcheck.task.name': 'resize',
      'coatcheck.attempt.number': 1,
      'coatcheck.outcome': 'succeeded'
    })
    expect(attempt?.status).toEqual({ code: SpanStatusCode.UNSET })
  })

  it('leaves the span in which the task was queued active in the function', async () => {
    const { tracer, spans } = sdk()
    const { pool } = poolWith()
    onTestFinished(observe(pool, { tracer }))
    await tracer.startActiveSpan('POST /tasks', async (request) => {
      const active = await pool.queueTask(() => trace.getActiveSpan()).result()
      expect(active).toBe(request)
    })
    expect(spans().map(({ name }) => name)).toEqual(['run task'])
  })

  it('has the error and the status of each failed attempt, and none for a cancel', async () => {
    const { tracer, spans } = sdk()
    const { pool } = poolWith({ retry: { attempts: 2, backoffMs: 0 } })
    onTestFinished(observe(pool, { tracer }))
    await pool.queueTask(() => Promise.reject(new TypeError('no such address')), { name: 'mail' }).settled()
    const task = pool.queueTask(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    )
    pool.once('started', () => task.cancel())
    await task.settled()
    const status = { code: SpanStatusCode.ERROR, message: 'no such address' }
    expect(spans().map(({ status }) => status)).toEqual([status, status, { code: SpanStatusCode.UNSET }])
    expect(
      spans().map(({ attributes }) => [attributes['coatcheck.outcome'], attributes['coatcheck.attempt.number']])
    ).toEqual([
      ['retried', 1],
      ['failed', 2],
      ['canceled', 1]
    ])
    for (const span of spans().slice(0, 2)) {
      expect(span.attributes['error.type']).toBe('TypeError')
      expect(span.events).toMatchObject([{ name: 'exception', attributes: { 'exception.message': 'no such address' } }])
    }
  })

  it('of a snoozed call has the number of the attempt that is made again', async () => {
    const { tracer, spans } = sdk()
    const { pool } = poolWith()
    onTestFinished(observe(pool, { tracer }))
    let calls = 0
    const run = () => {
      if (++calls === 1) throw snooze(0)
      return calls
    }
    expect(await pool.queueTask(run).result()).toBe(2)
    const ends = spans().map(({ attributes, status }) => [
      attributes['coatcheck.outcome'],
      attributes['coatcheck.attempt.number'],
      status.code
    ])
    expect(ends).toEqual([
      ['snoozed', 1, SpanStatusCode.UNSET],
      ['succeeded', 1, SpanStatusCode.UNSET]
    ])
  })

  it('has the text of what was thrown in place of an error', async () => {
    const { tracer, spans } = sdk()
    const { pool } = poolWith()
    onTestFinished(observe(pool, { tracer }))
    await pool.queueTask(() => Promise.reject('no such address')).settled()
    const [span] = spans()
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such address' })
    expect(span?.attributes['error.type']).toBe('_OTHER')
    expect(span?.events).toMatchObject([{ name: 'exception', attributes: { 'exception.message': 'no such address' } }])
  })

  it('begins with the first call after the observation began', async () => {
    const { tracer, spans } = sdk()
    const { pool } = poolWith()
    const [begun, ending] = [gate(), gate()]
    let calls = 0
    const run = async () => {
      if (++calls > 1) return calls
      begun.open()
      await ending.promise
      throw snooze(0)
    }
    const task = pool.queueTask(run, { name: 'early' })
    await begun.promise
    onTestFinished(observe(pool, { tracer }))
    ending.open()
    expect(await task.result()).toBe(2)
    expect(spans().map(({ name, attributes }) => [name, attributes['coatcheck.outcome']])).toEqual([
      ['run early', 'succeeded']
    ])
  })

  it('has further attributes if they are asked for', async () => {
    const { tracer, spans } = sdk()
    const { pool, unobserved } = poolWith()
    const bug = new Error('bug')
    const spanAttributes = ({ key = '' }: { key: string | undefined }) => {
      if (key === 'wrong') throw bug
      return { customer: key }
    }
    onTestFinished(observe(pool, { tracer, spanAttributes }))
    await pool.queueTask(() => 1, { key: 'ada' }).result()
    expect(spans()[0]?.attributes).toMatchObject({ customer: 'ada' })
    expect(await pool.queueTask(() => 1, { key: 'wrong' }).result()).toBe(1)
    expect(unobserved).toEqual([bug])
  })
})

describe('an observed pool', () => {
  it('still reports failures without an observer', async () => {
    const { meter, tracer } = sdk()
    const { pool, unobserved } = poolWith()
    onTestFinished(observe(pool, { meter, tracer }))
    const error = new Error('no such address')
    pool.queueTask(() => Promise.reject(error))
    await pool.drain()
    await expect.poll(() => unobserved).toEqual([error])
  })

  it('retains no further tickets: ids are not read', async () => {
    const { meter, tracer } = sdk()
    const { pool } = poolWith({ queueCapacity: 1_000 })
    onTestFinished(observe(pool, { meter, tracer }))
    for (let n = 0; n < 500; n++) pool.queueTask(() => n).cancel()
    await pool.drain()
    expect(pool.stats().retention.retained).toBe(0)
  })

  it('is not followed if neither metrics nor spans are wanted', () => {
    const { pool } = poolWith()
    const end = observe(pool, {})
    expect(hasSubscribers('coatcheck:task.failed')).toBe(false)
    end()
    onTestFinished(observe(pool, { tracer: sdk().tracer }))
    expect(hasSubscribers('coatcheck:task.failed')).toBe(true)
  })

  it('is not confused with another one', async () => {
    const { meter, tracer, collect, spans } = sdk()
    const [first, second, third] = [poolWith({ name: 'a' }), poolWith({ name: 'b' }), poolWith({ name: 'c' })]
    onTestFinished(observe(first.pool, { meter, tracer }))
    onTestFinished(observe(second.pool, { meter, tracer }))
    const fail = () => Promise.reject(new Error('no'))
    for (const { pool } of [first, second, third]) await pool.queueTask(fail).settled()
    expect(spans().map(({ attributes }) => attributes['coatcheck.pool.name'])).toEqual(['a', 'b'])
    const points = pointsOf((await collect()).get('coatcheck.tasks.accepted'))
    expect(points).toEqual([
      [{ 'coatcheck.pool.name': 'a' }, 1],
      [{ 'coatcheck.pool.name': 'b' }, 1]
    ])
  })

  it('is no longer observed, nor referred to, once that ends; open spans end too', async () => {
    const { meter, tracer, collect, spans } = sdk()
    const observed = async () => {
      const { pool } = poolWith()
      const end = observe(pool, { meter, tracer })
      const work = held()
      pool.queueTask(work.run)
      await work.begun
      end()
      end()
      expect(spans()).toHaveLength(1)
      expect(spans()[0]?.attributes).not.toHaveProperty('coatcheck.outcome')
      work.end()
      await pool.queueTask(() => 1).result()
      expect(spans()).toHaveLength(1)
      expect((await collect()).get('coatcheck.tasks.accepted')?.dataPoints ?? []).toEqual([])
    }
    await observed()
  })

  it('can be collected by the garbage collector after the end', async () => {
    const { meter, tracer } = sdk()
    const observed = async () => {
      const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
      const end = observe(pool, { meter, tracer })
      await pool.queueTask(() => 1).result()
      await pool.stop()
      end()
      return new WeakRef(pool)
    }
    const pool = await observed()
    await expect
      .poll(() => {
        global.gc?.()
        return pool.deref() === undefined
      })
      .toBe(true)
  })

  it('must be a pool, and options are checked', () => {
    const { pool } = poolWith()
    expect(() => observe({} as never, {})).toThrow(/Expected `pool` to be a WorkerPool/)
    expect(() => observe(pool, { metre: 1 } as never)).toThrow(/metre/)
    expect(() => observe(pool, { spanAttributes: 7 as never })).toThrow(TypeError)
  })
})
