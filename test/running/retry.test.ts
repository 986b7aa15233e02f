import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { PoolStoppedError, QueueFullError, type Task, type TaskContext, TaskTimeoutError } from '../../src/index.js'
import { expectBalance } from '../support/books.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'
import { never, quietPool, rejection, startedPool, statesOf, untilAborted } from '../support/pools.js'

const again = new Error('again')
const failing = () => Promise.reject(again)

/** A clock whose random numbers a test sets. */
class Dice extends ManualClock {
  value = 0
  override random(): number {
    return this.value
  }
}

describe('retries', () => {
  it('count all calls, the first included, and report each failure but the last as `retrying`', async () => {
    const { clock, pool, witness } = startedPool()
    const asked: unknown[] = []
    const errors = [1, 2, 3].map((n) => new Error(`${n}`))
    const task = pool.queueTask(({ attempt }) => Promise.reject(errors[attempt - 1]), {
      retry: {
        attempts: 3,
        backoffMs: (...args) => {
          asked.push(['backoff', ...args])
          return 10 * args[1]
        },
        when: (...args) => {
          asked.push(['when', ...args])
          return true
        }
      }
    })
    await clock.advance(1_000)
    expect(
      witness.told.filter(({ args }) => args[0] === task).map(({ event, args }) => [event, ...args.slice(1)])
    ).toEqual([
      ['queued'],
      ['started'],
      ['retrying', { error: errors[0], delayMs: 10 }],
      ['started'],
      ['retrying', { error: errors[1], delayMs: 20 }],
      ['started'],
      ['failed', { error: errors[2] }],
      ['settled']
    ])
    expect(asked).toEqual([
      ['when', errors[0], 1],
      ['backoff', errors[0], 1],
      ['when', errors[1], 2],
      ['backoff', errors[1], 2]
    ])
    expect(task.record()).toMatchObject({
      state: 'failed',
      attempt: 3,
      queuedAt: '2030-01-01T00:00:00.000Z',
      startedAt: '2030-01-01T00:00:00.000Z',
      settledAt: '2030-01-01T00:00:00.030Z',
      error: { message: '3' }
    })
    expect(await rejection(task.result())).toBe(errors[2])
    expect(expectBalance(pool).totals).toMatchObject({ accepted: 1, started: 3, retried: 2, failed: 1 })
  })

  it('end with the first success', async () => {
    const { clock, pool } = startedPool({ retry: { attempts: 5, backoffMs: () => 10 } })
    const task = pool.queueTask(({ attempt }) => (attempt < 3 ? failing() : attempt))
    await clock.advance(1_000)
    expect(await task.result()).toBe(3)
    expect(task.record()).not.toHaveProperty('error')
    expect(pool.stats().totals).toMatchObject({ started: 3, retried: 2, succeeded: 1, failed: 0 })
  })

  it('the policy of a task replaces that of the pool', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, retry: { attempts: 3, backoffMs: 0 } })
    const tasks = [pool.queueTask(failing), pool.queueTask(failing, { retry: { attempts: 1, backoffMs: 0 } })]
    await clock.advance(10)
    expect(tasks.map((task) => task.record().attempt)).toEqual([3, 1])
  })

  it('`when` decides: with false the task fails with its own error', async () => {
    const { clock, pool, witness } = startedPool()
    const task = pool.queueTask(failing, {
      retry: { attempts: 5, backoffMs: 0, when: (_error, attempt) => attempt < 2 }
    })
    await clock.advance(10)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 2 })
    expect(await rejection(task.result())).toBe(again)
    expect(witness.names(task)).toEqual(['queued', 'started', 'retrying', 'started', 'failed', 'settled'])
  })

  it('a `when` that throws is reported, and the task fails with its own error', async () => {
    const told: unknown[] = []
    const broken = new Error('in when')
    const { clock, pool } = startedPool({ onUnobservedError: (...args) => told.push(args) })
    const task = pool.queueTask(failing, {
      retry: {
        attempts: 5,
        backoffMs: 0,
        when: () => {
          throw broken
        }
      }
    })
    await clock.advance(10)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 1 })
    expect(await rejection(task.result())).toBe(again)
    expect(told).toEqual([[broken, { task }]])
  })

  it.each([
    ['undefined', undefined, '`undefined` (undefined)'],
    ['null', null, '`null` (null)'],
    ['a number', 1, '`1` (number)'],
    ['a text', 'true', '`"true"` (string)'],
    ['a promise', Promise.resolve(true), '`[object Promise]` (object)']
  ])('a `when` that answers with %s gives no retry, and is told', async (_kind, value, got) => {
    const told: unknown[] = []
    const { clock, pool } = startedPool({ onUnobservedError: (...args) => told.push(args) })
    const task = pool.queueTask(failing, { retry: { attempts: 5, backoffMs: 0, when: () => value as never } })
    await clock.advance(10)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 1 })
    expect(await rejection(task.result())).toBe(again)
    expect(told).toEqual([[new TypeError(`Expected \`retry.when()\` to be true or false, got ${got}`), { task }]])
  })

  it('valid return values of hooks are not reported', async () => {
    const told: unknown[] = []
    const { clock, pool } = startedPool({ onUnobservedError: (error) => told.push(error) })
    const task = pool.queueTask(failing, {
      retry: { attempts: 5, backoffMs: () => 0, when: (_error, attempt) => attempt < 2 }
    })
    await clock.advance(10)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 2 })
    expect(told).toEqual([])
  })

  it('no hook is called for an attempt that was canceled', async () => {
    const asked: string[] = []
    const { clock, pool } = startedPool({ taskTimeoutMs: 10 })
    const end = gate()
    const task = pool.queueTask(() => end.promise.then(failing), {
      retry: {
        attempts: 5,
        backoffMs: () => asked.push('backoffMs'),
        when: () => asked.push('when') > 0
      }
    })
    await clock.advance(10)
    task.cancel()
    end.open()
    await clock.advance(1_000)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 1 })
    expect(asked).toEqual([])
  })

  it('hooks that are async and reject leave no unhandled rejection behind', async () => {
    const told: unknown[] = []
    const { clock, pool } = startedPool({ concurrency: 2, onUnobservedError: (error) => told.push(error) })
    const rejecting = (async () => {
      throw new Error('in the hook')
    }) as never
    const tasks = [
      pool.queueTask(failing, { retry: { attempts: 2, backoffMs: 0, when: rejecting } }),
      pool.queueTask(failing, { retry: { attempts: 2, backoffMs: rejecting } })
    ]
    await clock.advance(10)
    expect(statesOf(tasks)).toEqual(['failed', 'failed'])
    expect(tasks[1]?.record().attempt).toBe(2) // a promise is not a number: 0, and reported
    expect(told).toContainEqual(new Error('in the hook'))
  })
})

describe('the backoff', () => {
  const delays = async (clock: Dice, backoffMs: number, attempts: number): Promise<number[]> => {
    const { pool, witness } = startedPool({ clock })
    const task = pool.queueTask(failing, { retry: { attempts, backoffMs } })
    await clock.advance(10_000_000)
    expect(task.state).toBe('failed')
    return witness.told
      .filter(({ event }) => event === 'retrying')
      .map(({ args }) => (args[1] as { delayMs: number }).delayMs)
  }

  it('a number doubles with each attempt up to 30 seconds, and the delay is a random part of it', async () => {
    const clock = new Dice()
    const doubling = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]
    clock.value = 0.5
    expect(await delays(clock, 100, 12)).toEqual(doubling.map((ms) => ms / 2))
    clock.value = 0
    expect(await delays(clock, 100, 12)).toEqual(doubling.map(() => 0))
    clock.value = 1 - Number.EPSILON
    const most = await delays(clock, 100, 12)
    for (const [n, ms] of most.entries()) {
      expect(ms).toBeLessThan(doubling[n] as number)
      expect(ms).toBeGreaterThan((doubling[n] as number) - 1)
    }
  })

  it.each([
    [0, 0],
    [45_000, 15_000],
    [Number.POSITIVE_INFINITY, 15_000]
  ])('a number of %s is at most 30 seconds from the first attempt on', async (backoffMs, expected) => {
    const clock = new Dice()
    clock.value = 0.5
    expect(await delays(clock, backoffMs, 4)).toEqual([expected, expected, expected])
  })

  it('works after more attempts than a number can double', async () => {
    const { clock, pool } = startedPool({ retention: { count: 0 } })
    const first = pool.queueTask(({ attempt }) => (attempt < 1_200 ? failing() : attempt), {
      retry: { attempts: 1_200, backoffMs: 0 }
    })
    await clock.advance(1)
    expect(await first.result()).toBe(1_200)
  })

  it('waits exactly as long as `delayMs`', async () => {
    const { clock, pool } = startedPool()
    const calls: number[] = []
    pool.queueTask(
      ({ attempt }) => {
        calls.push(clock.now() - 1_000)
        return attempt < 4 ? failing() : attempt
      },
      { retry: { attempts: 4, backoffMs: (_error, attempt) => [250.5, 0, 100_000][attempt - 1] as number } }
    )
    await clock.advance(200_000)
    expect(calls).toEqual([0, 250.5, 250.5, 100_250.5])
  })

  it('the value of a function is used unchanged, also beyond 30 seconds', async () => {
    const { clock, pool, witness } = startedPool()
    const task = pool.queueTask(failing, { retry: { attempts: 2, backoffMs: () => 86_400_000 } })
    await clock.advance(86_399_999)
    expect(task.record()).toMatchObject({ state: 'queued', attempt: 1 })
    await clock.advance(1)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 2 })
    expect(witness.told.find(({ event }) => event === 'retrying')?.args[1]).toEqual({
      error: again,
      delayMs: 86_400_000
    })
  })

  it.each([
    ['NaN', Number.NaN, '`NaN` (number)'],
    ['a negative number', -1, '`-1` (number)'],
    ['minus infinity', Number.NEGATIVE_INFINITY, '`-Infinity` (number)'],
    ['a text', '5', '`"5"` (string)'],
    ['undefined', undefined, '`undefined` (undefined)'],
    ['null', null, '`null` (null)'],
    ['a BigInt', 5n, '`5` (bigint)'],
    ['an object', Object(5), '`[object Number]` (object)']
  ])('a function’s wrong value, %s, is 0, and told', async (_kind, value, got) => {
    const told: unknown[] = []
    const { clock, pool, witness } = startedPool({ onUnobservedError: (...args) => told.push(args) })
    const task = pool.queueTask(({ attempt }) => (attempt === 1 ? failing() : attempt), {
      retry: { attempts: 2, backoffMs: () => value as never }
    })
    await clock.advance(0)
    expect(await task.result()).toBe(2)
    expect(witness.told.find(({ event }) => event === 'retrying')?.args[1]).toEqual({ error: again, delayMs: 0 })
    const wrong = new TypeError(`Expected \`retry.backoffMs()\` to be a number of milliseconds from 0, got ${got}`)
    expect(told).toEqual([[wrong, { task }]])
  })

  it('a function that throws is reported, and counts as 0', async () => {
    const broken = new Error('in backoffMs')
    const told: unknown[] = []
    const { clock, pool } = startedPool({ onUnobservedError: (...args) => told.push(args) })
    const task = pool.queueTask(({ attempt }) => (attempt === 1 ? failing() : attempt), {
      retry: {
        attempts: 2,
        backoffMs: () => {
          throw broken
        }
      }
    })
    await clock.advance(0)
    expect(await task.result()).toBe(2)
    expect(told).toEqual([[broken, { task }]])
  })
})

describe('a task that waits for its retry', () => {
  it('frees its worker, keeps its place, and has the state queued', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, queueCapacity: 1 })
    const task = pool.queueTask(
      ({ progress, attempt }) => {
        progress(0.7, 'nearly')
        return attempt === 1 ? failing() : never()
      },
      { retry: { attempts: 2, backoffMs: () => 100 } }
    )
    await clock.turn()
    expect(task.record()).toMatchObject({ state: 'queued', attempt: 1 })
    expect(task.record()).not.toHaveProperty('progress')
    expect(task.record()).not.toHaveProperty('error')
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 0, delayed: 1 })
    const other = pool.queueTask(() => 'other')
    expect(other.state).toBe('running')
    expect(() => pool.queueTask(never)).toThrow(QueueFullError) // the place of the retry is taken
    await clock.turn()
    expect(other.state).toBe('succeeded')
    await clock.advance(100)
    expect(task.record()).toMatchObject({ state: 'running', attempt: 2, queuedAt: '2030-01-01T00:00:00.000Z' })
  })

  it('goes to the back of its lane after the delay, with a new signal', async () => {
    const { clock, pool } = startedPool({ concurrency: 1 })
    const order: string[] = []
    pool.on('started', ({ name }) => order.push(name as string))
    const signals: AbortSignal[] = []
    const task = pool.queueTask(
      ({ signal, attempt }) => {
        signals.push(signal)
        return attempt === 1 ? failing() : 'well'
      },
      { name: 'retried', retry: { attempts: 2, backoffMs: () => 100 } }
    )
    await clock.turn()
    const blocker = pool.queueTask(untilAborted, { name: 'blocker' })
    for (const name of ['a', 'b']) pool.queueTask(() => 1, { name })
    pool.queueTask(() => 1, { name: 'low', priority: -1 })
    await clock.advance(100)
    pool.queueTask(() => 1, { name: 'c' })
    blocker.cancel()
    await clock.turn()
    expect(order).toEqual(['retried', 'blocker', 'a', 'b', 'retried', 'c', 'low'])
    expect(await task.result()).toBe('well')
    expect(new Set(signals).size).toBe(2)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
  })

  it('A21 keeps accepted, unsettled work within concurrency + capacity, however many fail', async () => {
    const { clock, pool } = startedPool({
      concurrency: 2,
      queueCapacity: 3,
      retry: { attempts: 3, backoffMs: () => 10_000 }
    })
    let accepted = 0
    for (let n = 0; n < 100; n++) {
      try {
        pool.queueTask(failing)
        accepted++
      } catch (error) {
        expect(error).toBeInstanceOf(QueueFullError)
      }
      await clock.advance(1)
      const { running, queued, delayed } = expectBalance(pool)
      expect(running + queued + delayed).toBeLessThanOrEqual(5)
      expect(running + queued + delayed).toBe(accepted)
    }
    // Each was given a free worker, then waits: all places are taken although nothing runs.
    expect(pool.stats()).toMatchObject({ running: 0, queued: 0, delayed: 5 })
    await clock.advance(30_000)
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 0, delayed: 0, totals: { failed: 5, started: 15 } })
  })

  it('settles on a cancel and is never called again', async () => {
    const { clock, pool } = startedPool()
    let calls = 0
    const task = pool.queueTask(
      () => {
        calls++
        return failing()
      },
      { retry: { attempts: 9, backoffMs: () => 100 } }
    )
    await clock.turn()
    expect(task.cancel()).toBe(true)
    expect(task.state).toBe('canceled')
    expect(clock.timers('alive')).toBe(0)
    await clock.advance(10_000)
    expect(calls).toBe(1)
  })

  it.each(['when', 'backoffMs', 'retrying'] as const)('settles on a cancel from within `%s`', async (place) => {
    const { clock, pool } = startedPool()
    let calls = 0
    const answers: boolean[] = []
    const cancel = () => answers.push((pool.task('it') as Task).cancel('enough'))
    if (place === 'retrying') pool.on('retrying', cancel)
    const task = pool.queueTask(
      () => {
        calls++
        return failing()
      },
      {
        id: 'it',
        retry: {
          attempts: 3,
          backoffMs: () => (place === 'backoffMs' ? cancel() * 100 : 100),
          when: () => place !== 'when' || cancel() > 0
        }
      }
    )
    await clock.advance(10_000)
    expect(calls).toBe(1)
    expect(answers).toEqual([true])
    // `when` and `backoffMs` run after it failed with its own error; at `retrying` it waits already, so the cancel ends it.
    expect(task.state).toBe(place === 'retrying' ? 'canceled' : 'failed')
    expect(task.record()).toHaveProperty('cancelRequestedAt')
    expect(expectBalance(pool)).toMatchObject({ running: 0, queued: 0, delayed: 0 })
  })

  it('B10 is canceled by a stop without grace; its timer is gone and it is never called again', async () => {
    const { clock, pool } = startedPool({ concurrency: 3 })
    let calls = 0
    const tasks = Array.from({ length: 3 }, () =>
      pool.queueTask(
        () => {
          calls++
          return failing()
        },
        { retry: { attempts: 9, backoffMs: () => 100 } }
      )
    )
    await clock.advance(50)
    const stopped = pool.stop({ graceMs: 0, reason: 'closing' })
    expect(statesOf(tasks)).toEqual(['canceled', 'canceled', 'canceled'])
    expect(tasks[0]?.record()).toMatchObject({ reason: 'pool_stopped', cancelRequestedAt: '2030-01-01T00:00:00.050Z' })
    expect(await stopped).toMatchObject({
      canceled: 3,
      unstarted: { count: 0, ids: [] },
      aborted: { count: 3, ids: tasks.map(({ id }) => id) }
    })
    expect(clock.timers('all')).toBe(0)
    await clock.advance(100_000)
    expect(calls).toBe(3)
  })

  it('B10 goes on within the grace of a stop, and not after it', async () => {
    const { clock, pool } = startedPool({ concurrency: 2, forceMs: 1_000 })
    const calls: string[] = []
    const options = { retry: { attempts: 9, backoffMs: () => 100 } }
    const soon = pool.queueTask(({ attempt }) => {
      calls.push(`soon ${attempt}`)
      return attempt < 3 ? failing() : 'well'
    }, options)
    const hopeless = pool.queueTask(({ attempt }) => {
      calls.push(`hopeless ${attempt}`)
      return failing()
    }, options)
    await clock.turn()
    const stopped = pool.stop({ graceMs: 250 })
    await clock.advance(10_000)
    expect(statesOf([soon, hopeless])).toEqual(['succeeded', 'canceled'])
    expect(calls.sort()).toEqual(['hopeless 1', 'hopeless 2', 'hopeless 3', 'soon 1', 'soon 2', 'soon 3'])
    expect(await stopped).toMatchObject({ durationMs: 250, succeeded: 1, aborted: { count: 1, ids: [hopeless.id] } })
  })

  it('an attempt that a stop has aborted is not retried, whatever it throws', async () => {
    const { clock, pool } = startedPool({ forceMs: 1_000, retry: { attempts: 5, backoffMs: 0 } })
    const end = gate()
    const task = pool.queueTask(() => end.promise.then(failing))
    await clock.turn()
    const stopped = pool.stop({ graceMs: 0 })
    end.open()
    await clock.advance(100)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 1 })
    expect(await rejection(task.result())).toBe(again)
    await stopped
    expect(() => pool.queueTask(never)).toThrow(PoolStoppedError)
  })

  it('B15 keeps the process alive until it has run', async () => {
    const { clock, pool } = startedPool()
    pool.queueTask(failing, { retry: { attempts: 2, backoffMs: () => 1_000 } })
    await clock.turn()
    expect(clock.timers('alive')).toBe(1)
    await clock.advance(1_000)
    expect(clock.timers('alive')).toBe(0)

    const source = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
    const child = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        '--input-type=module',
        '--eval',
        `import { WorkerPool } from ${JSON.stringify(source)}
         const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 })
         pool.start()
         pool.queueTask(({ attempt }) => {
           console.log('attempt ' + attempt)
           if (attempt === 1) throw new Error('again')
         }, { retry: { attempts: 2, backoffMs: () => 300 } })`
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileURLToPath(new URL('..', import.meta.url)) }
    )
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    const [code] = await once(child, 'close')
    expect(output).toBe('attempt 1\nattempt 2\n')
    expect(code).toBe(0)
  })
})

describe('the time limit of each attempt', () => {
  it('is separate: a late timer of one attempt never ends the next', async () => {
    const { clock, pool } = startedPool({ taskTimeoutMs: 100 })
    const contexts: TaskContext[] = []
    const first = gate()
    const task = pool.queueTask(
      (ctx) => {
        contexts.push(ctx)
        return ctx.attempt === 1 ? first.promise.then(failing) : untilAborted(ctx)
      },
      { retry: { attempts: 2, backoffMs: 0 } }
    )
    await clock.advance(99)
    first.open()
    await clock.turn() // it failed at 99 and waits for its retry
    expect(pool.stats().delayed).toBe(1)
    clock.block(51) // the limit of the first attempt, had it lasted, passes unnoticed
    await clock.advance(0) // late: the retry starts at 150
    expect(task.record()).toMatchObject({ state: 'running', attempt: 2 })
    await clock.advance(99)
    expect(contexts[1]?.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(contexts[1]?.signal.reason).toBeInstanceOf(TaskTimeoutError)
    expect(contexts[0]?.signal.aborted).toBe(false)
    expect(task.record()).toMatchObject({ state: 'failed', attempt: 2, settledAt: '2030-01-01T00:00:00.250Z' })
  })

  it('is separate: the next task of a worker is not ended by the limit of the one before', async () => {
    const { clock, pool } = startedPool({ concurrency: 1, stuckAfterMs: 30 })
    const first = pool.queueTask(untilAborted, { timeoutMs: 100 })
    await clock.advance(99)
    first.cancel()
    const second = pool.queueTask(untilAborted, { timeoutMs: 100 })
    const third = pool.queueTask(untilAborted)
    await clock.advance(99)
    expect(statesOf([first, second, third])).toEqual(['canceled', 'running', 'queued'])
    await clock.advance(1)
    expect(statesOf([first, second, third])).toEqual(['canceled', 'failed', 'running'])
    await clock.advance(1_000)
    expect(third.state).toBe('running')
    expect(pool.stats().stuck).toBe(0)
  })

  it('an unobserved failure is reported once, after the last attempt', async () => {
    const told: unknown[] = []
    const { clock, pool } = quietPool({ onUnobservedError: (error) => told.push(error) })
    pool.start()
    pool.queueTask(failing, { retry: { attempts: 3, backoffMs: () => 100 } })
    await clock.advance(199)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([again])
  })
})
