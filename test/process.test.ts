import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

/** How a process ended, and what it said. */
interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly string[]
  readonly errors: string
}

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs a program that has the library's names and `say`; waits until it ends by itself. */
function run(program: string, ...flags: string[]): Promise<Ended> {
  const source = `
    import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
    import { WorkerPool, isPoolError } from './src/index.ts'
    const say = (...values) => console.log(values.map((value) => typeof value === 'string' ? value : JSON.stringify(value)).join(' '))
    process.on('exit', () => say('exit'))
    ${program}
  `
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, '--import', 'tsx', '--input-type=module', '--eval', source], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let out = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, lines: out.trimEnd().split('\n'), errors }))
  })
}

const well = (...lines: string[]): Ended => ({ code: 0, signal: null, lines: [...lines, 'exit'], errors: '' })

/** Long enough that a process which waited for it would run into the limit of its test. */
const LONG = 3_600_000

describe.concurrent('a process', () => {
  it('B14 with only an idle pool exits by itself, code 0: new, started, paused, with work done', async () => {
    expect(
      await run(`
        const options = { concurrency: 2, queueCapacity: 2, taskTimeoutMs: ${LONG}, queueTimeoutMs: ${LONG}, graceMs: ${LONG} }
        new WorkerPool(options)
        new WorkerPool(options).start().pause()
        const pool = new WorkerPool(options).start({ signal: new AbortController().signal })
        pool.on('idle', () => say('idle', pool.stats().retained))
        pool.queueTask(() => 'done')
        pool.queueTask(async () => { await delay(1); throw new Error('failed') }).settled()
        pool.queueTask(() => {}).cancel()
      `)
    ).toEqual(well('idle 3'))
  })

  it('B14 exits soon after the last task: the retention of ten minutes does not hold it', async () => {
    const { lines, ...rest } = await run(`
      const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
      let idleAt
      pool.on('idle', () => { idleAt = performance.now() })
      process.on('exit', () => say(performance.now() - idleAt < 5_000))
      pool.queueTask(() => delay(10))
    `)
    expect({ ...rest, lines }).toEqual({ code: 0, signal: null, errors: '', lines: ['exit', 'true'] })
  })

  it('B15 does not exit before the retry of a task', async () => {
    expect(
      await run(`
        const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
        pool.queueTask(({ attempt }) => {
          say('attempt', attempt)
          if (attempt < 3) throw new Error('again')
        }, { retry: { attempts: 3, backoffMs: () => 30 } })
      `)
    ).toEqual(well('attempt 1', 'attempt 2', 'attempt 3'))
  })

  it('B15 does not exit before the time limit of a task whose function waits for nothing but its signal', async () => {
    expect(
      await run(`
        const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
        const task = pool.queueTask(({ signal }) => new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        }), { timeoutMs: 50 })
        task.settled().then(() => say(task.state, task.record().error.code))
      `)
    ).toEqual(well('failed ERR_TASK_TIMEOUT'))
  })

  it('B15 does not exit before the longest wait of a queued task, of a caller, or of a drain is over', async () => {
    expect(
      await run(`
        const make = () => new WorkerPool({ concurrency: 1, queueCapacity: 1 })
        const [queue, line, drained] = [make(), make(), make()]
        const task = queue.queueTask(() => {}, { queueTimeoutMs: 30 })
        task.settled().then(() => say(task.record().reason))
        line.queueTask(() => {})
        line.queueTaskWhenFree(() => {}, { waitMs: 30 }).catch((error) => say(error.code))
        drained.queueTask(() => {})
        drained.drain({ timeoutMs: 30 }).catch((error) => say(error.code))
      `).then(({ lines, ...rest }) => ({ ...rest, lines: [...lines.slice(0, -1).sort(), ...lines.slice(-1)] }))
    ).toEqual(well('ERR_DRAIN_TIMEOUT', 'ERR_WAIT_TIMEOUT', 'queue_timeout'))
  })

  it('B15 does not exit before the deadlines of a stop', async () => {
    expect(
      await run(`
        const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
        pool.queueTask(() => new Promise(() => {})).settled()
        await nextTurn()
        pool.on('stopped', ({ interrupted }) => say('stopped', interrupted.count))
        pool.stop({ graceMs: 30, forceMs: 30 })
      `)
    ).toEqual(well('stopped 1'))
  })

  it('does not live for the timers of stuck tasks and of retention', async () => {
    expect(
      await run(`
        const options = { concurrency: 1, queueCapacity: 1, stuckAfterMs: ${LONG}, retention: { ms: ${LONG} } }
        const pool = new WorkerPool(options).start()
        const task = pool.queueTask(() => new Promise(() => {}))
        await nextTurn()
        say(task.cancel(), task.state)
        const other = new WorkerPool(options).start()
        await other.queueTask(() => {}).result()
        say(other.stats().retained)
      `)
    ).toEqual(well('true running', '1'))
  })

  it('L5 has the resources of before when its pool has stopped', async () => {
    expect(
      await run(`
        say('begins')
        await delay(20)
        // What a slow reader of the output keeps open is not the pool's.
        const resources = () => process.getActiveResourcesInfo().filter((name) => !name.endsWith('Wrap')).toSorted()
        const base = resources()
        const listeners = process.eventNames().map((name) => process.listenerCount(name))
        const pool = new WorkerPool({
          concurrency: 2, queueCapacity: 10, waiterCapacity: 5, graceMs: 20, forceMs: 2_000, stuckAfterMs: 5,
          taskTimeoutMs: ${LONG}, queueTimeoutMs: ${LONG}, rateLimit: { starts: 5, intervalMs: 10 }
        }).start()
        for (let n = 0; n < 12; n++) {
          pool.queueTaskWhenFree(() => n % 2 ? n : delay(5), { signal: new AbortController().signal, waitMs: ${LONG} }).catch(() => {})
        }
        pool.queueTaskWhenFree(() => new Promise(() => {})).then((task) => task.settled()).catch(() => {})
        pool.drain({ timeoutMs: ${LONG} }).catch(() => {})
        await delay(10)
        const during = resources()
        await pool.stop({ graceMs: 0 })
        await nextTurn()
        await nextTurn()
        const after = resources()
        say(JSON.stringify(after) === JSON.stringify(base), during.length > base.length)
        say(JSON.stringify(process.eventNames().map((name) => process.listenerCount(name))) === JSON.stringify(listeners))
      `)
    ).toEqual(well('begins', 'true true', 'true'))
  })

  it('E19 in which nobody has kept contexts yet: each task sees its own from the first one on, none sees that of another', async () => {
    expect(
      await run(`
        const { AsyncLocalStorage } = await import('node:async_hooks')
        const storage = new AsyncLocalStorage()
        const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100 })
        const seen = []
        const look = (name) => seen.push([name, storage.getStore() ?? null])
        const queue = (name, run = () => {}) => pool.queueTask(async () => {
          look(name)
          run()
          await null
          look(name + ', later')
        })
        queue('before')
        queue('enters', () => storage.enterWith('entered in a task'))
        queue('called next')
        queue('queues in a run', () => storage.run('run in a task', () => queue('queued in the run')))
        pool.start()
        await pool.drain()
        // Not in the order of their starts: a turn of a busy machine may end between any two.
        say(seen.toSorted(([one], [other]) => (one < other ? -1 : 1)))
        seen.length = 0
        storage.run('request 1', () => queue('first'))
        storage.run('request 2', () => queue('second'))
        queue('without')
        await pool.drain()
        say(seen.toSorted(([one], [other]) => (one < other ? -1 : 1)))
      `)
    ).toEqual(
      well(
        JSON.stringify([
          ['before', null],
          ['before, later', null],
          ['called next', null],
          ['called next, later', null],
          ['enters', null],
          ['enters, later', 'entered in a task'],
          ['queued in the run', 'run in a task'],
          ['queued in the run, later', 'run in a task'],
          ['queues in a run', null],
          ['queues in a run, later', null]
        ]),
        JSON.stringify([
          ['first', 'request 1'],
          ['first, later', 'request 1'],
          ['second', 'request 2'],
          ['second, later', 'request 2'],
          ['without', null],
          ['without, later', null]
        ])
      )
    )
  })

  it('L6 keeps nothing of pools that were made and dropped: no listener, no timer, no memory', async () => {
    const { lines, ...rest } = await run(
      `
        const names = process.eventNames().length
        const grow = async (count) => {
          for (let n = 0; n < count; n++) {
            new WorkerPool({ concurrency: 2, queueCapacity: 10 })
            new WorkerPool({ concurrency: 2, queueCapacity: 10 }).start({ signal: new AbortController().signal })
            const pool = new WorkerPool({ concurrency: 2, queueCapacity: 10 }).start()
            pool.on('settled', () => {})
            await pool.queueTask(() => n, { timeoutMs: ${LONG} }).result()
            await pool.stop({ graceMs: 0 })
          }
          for (let n = 0; n < 5; n++) await nextTurn()
          gc()
          await nextTurn()
          gc()
          return process.memoryUsage().heapUsed
        }
        await grow(1_000)
        const before = await grow(1_000)
        const after = await grow(5_000)
        say((after - before) / 5_000 < 100, process.eventNames().length - names)
        say(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length)
      `,
      '--expose-gc'
    )
    expect({ ...rest, lines }).toEqual(well('true 0', '0'))
  })

  it('B18 its errors elsewhere are neither swallowed nor taken for those of a task', async () => {
    expect(
      await run(`
        const pool = new WorkerPool({
          concurrency: 2, queueCapacity: 2,
          onUnobservedError: (error) => say('unobserved', error.message)
        }).start()
        process.on('unhandledRejection', (error) => say('unhandledRejection', error.message))
        process.on('uncaughtException', (error) => say('uncaughtException', error.message))
        const task = pool.queueTask(async () => {
          Promise.reject(new Error('left behind'))
          setTimeout(() => { throw new Error('thrown later') }, 1)
          await delay(20)
          return 'done'
        })
        say(await task.result(), task.state)
      `)
    ).toEqual(well('unhandledRejection left behind', 'uncaughtException thrown later', 'done succeeded'))
  })

  it('B18 dies of an error elsewhere as it would without the library', async () => {
    const { code, errors, lines } = await run(`
      const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
      pool.queueTask(() => delay(${LONG}))
      await nextTurn()
      Promise.reject(new Error('nobody looks'))
    `)
    expect(code).toBe(1)
    expect(errors).toContain('Error: nobody looks')
    expect(errors).not.toContain('coatcheck')
    expect(lines).toEqual(['exit'])
  })

  it('E11 survives a task that fails without an observer, and prints one line and the error with its stack', async () => {
    const { errors, ...rest } = await run(`
      const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
      pool.queueTask(() => { throw new Error('nobody looks') }, { id: 'a', name: 'render' })
      await nextTurn()
      say(pool.stats().totals.failed)
    `)
    expect(rest).toEqual({ code: 0, signal: null, lines: ['1', 'exit'] })
    expect(errors).toMatch(
      /^coatcheck: unobserved error of task "render" a: Error: nobody looks Error: nobody looks(\n {4}at .*)+\n$/
    )
  })

  it('finishes its work when a signal of the system asks it to end, then exits', async () => {
    expect(
      await run(`
        const controller = new AbortController()
        process.once('SIGTERM', () => controller.abort('SIGTERM'))
        const pool = new WorkerPool({ concurrency: 1, queueCapacity: 5, graceMs: ${LONG} }).start({ signal: controller.signal })
        pool.queueTask(({ stopping }) => new Promise((resolve) => {
          const stay = setTimeout(() => {}, ${LONG})
          stopping.addEventListener('abort', () => setTimeout(() => resolve(clearTimeout(stay)), 10))
        })).settled().then((task) => say(task.state))
        pool.queueTask(() => 'queued').settled().then((task) => say(task.state))
        process.kill(process.pid, 'SIGTERM')
        const { reason, succeeded } = await pool.closed
        say(reason, succeeded)
      `)
    ).toEqual(well('succeeded', 'succeeded', 'SIGTERM 2'))
  })
})
