/**
 * Ten actors at a time start, use and stop each component on the real clock, fifty times over. There is no plan and no
 * wait for time: limits are a few milliseconds, and whatever order the event loop makes of it has to be all right.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type HttpRequest, type TicketRoutes, ticketRoutes } from '../src/http/index.js'
import { isPoolError, type Task, type TaskContext, WaitGroup, WorkerPool } from '../src/index.js'
import { Random } from './simulation/random.js'
import { expectBalance } from './support/books.js'

const ROUNDS = 50
const ACTORS = 10
const ACTS = 20

/** Timers and handles that keep the process alive. */
const resources = (): string[] => process.getActiveResourcesInfo().filter((name) => name !== 'Immediate')

/** Fifty rounds: ten actors do something at random, turn after turn. */
async function rounds(round: (random: Random) => { act: () => unknown; end: () => Promise<void> }): Promise<void> {
  const before = resources()
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const random = new Random(seed)
    const { act, end } = round(random)
    const actor = async (): Promise<void> => {
      for (let i = 0; i < ACTS; i++) {
        await act()
        if (random.chance(0.5)) await nextTurn()
      }
    }
    await Promise.all(Array.from({ length: ACTORS }, actor))
    await end()
  }
  // those of the test runner come and go, but fifty forgotten ones would show
  expect(resources().length).toBeLessThanOrEqual(before.length)
}

const untilAborted = ({ signal }: TaskContext): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })

const work: readonly ((ctx: TaskContext) => unknown)[] = [
  () => 'done',
  () => {
    throw new Error('failed')
  },
  async () => nextTurn(),
  async () => {
    await nextTurn()
    throw new Error('failed later')
  },
  untilAborted
]

function makePool(random: Random) {
  const pool = new WorkerPool({
    concurrency: random.integer(1, 4),
    queueCapacity: random.integer(0, 8),
    taskTimeoutMs: 2,
    retry: { attempts: 2, backoffMs: 1 },
    onUnobservedError: () => {},
    handlers: { work: (which: number, ctx) => work[which % work.length]?.(ctx) }
  })
  const settled = new Map<Task, number>()
  pool.on('settled', (task) => settled.set(task, (settled.get(task) ?? 0) + 1))
  const foreign: unknown[] = []
  const note = (error: unknown): void => {
    if (!isPoolError(error)) foreign.push(error)
  }
  const end = async (): Promise<void> => {
    const report = await pool.stop({ graceMs: random.integer(0, 3), forceMs: 60_000 })
    expect(report.interrupted.count).toBe(0)
    expect(await pool.closed).toBe(report)
    const { running, queued, delayed, waiting, state, totals } = expectBalance(pool)
    expect({ running, queued, delayed, waiting, state }).toEqual({
      running: 0,
      queued: 0,
      delayed: 0,
      waiting: 0,
      state: 'stopped'
    })
    expect([...settled.values()].every((times) => times === 1)).toBe(true)
    expect(settled.size).toBe(totals.accepted)
    expect(foreign).toEqual([])
  }
  return { pool, note, end }
}

describe('ten actors, fifty rounds', () => {
  it('B12 a pool: only errors of ours, one end for each task, nothing left', async () => {
    let accepted = 0
    await rounds((random) => {
      const { pool, note, end } = makePool(random)
      const tasks: Task[] = []
      const acts: readonly (() => unknown)[] = [
        () => pool.start(),
        () => tasks.push(pool.queueTask('work', random.integer(0, 9))),
        () => tasks.push(pool.queueTask(random.pick(work))),
        () => void pool.queueTaskWhenFree('work', 3, { waitMs: random.integer(0, 3) }).then((t) => tasks.push(t), note),
        () => tasks[random.integer(0, tasks.length)]?.cancel(),
        () => void pool.drain({ timeoutMs: random.integer(0, 3) }).catch(note),
        () => pool.pause(),
        () => pool.resume(),
        () => pool.resize({ concurrency: random.integer(1, 4), queueCapacity: random.integer(0, 8) }),
        () => (random.chance(0.02) ? void pool.stop({ graceMs: random.integer(0, 3), forceMs: 60_000 }) : undefined)
      ]
      const act = (): void => {
        try {
          random.pick(acts)()
        } catch (error) {
          note(error)
        }
        expectBalance(pool)
      }
      return {
        act,
        end: async () => {
          await end()
          accepted += pool.stats().totals.accepted
        }
      }
    })
    expect(accepted).toBeGreaterThan(ROUNDS)
  })

  it('B12 tickets over HTTP: every request gets a reply, also one whose client has left, and none a 500', async () => {
    const statuses = new Map<number, number>()
    await rounds((random) => {
      const { pool, end } = makePool(random)
      const routes: TicketRoutes = ticketRoutes(pool, {
        accept: [{ path: '/tasks', submit: () => pool.queueTask('work', random.integer(0, 9)) }]
      })
      const tickets: string[] = []
      const request = async (method: string, target: string): Promise<void> => {
        const body = async function* () {
          if (random.chance(0.3)) await nextTurn()
          yield Buffer.from('{}')
        }
        const headers = { 'content-type': 'application/json', 'content-length': '2' }
        const left = new AbortController()
        const sent: HttpRequest = { method, target, headers, body, signal: left.signal }
        const reply = routes.handle(sent)
        if (random.chance(0.1)) left.abort()
        const { status = 0, headers: fields = {} } = (await reply) ?? {}
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        const at = Reflect.get(fields, 'Location') ?? Reflect.get(fields, 'location')
        if (typeof at === 'string') tickets.push(at)
      }
      const ticket = (): string => tickets[random.integer(0, Math.max(tickets.length - 1, 0))] ?? '/tasks/none'
      const acts: readonly (() => unknown)[] = [
        () => (pool.state === 'created' ? pool.start() : undefined),
        () => request('POST', '/tasks'),
        () => request('POST', '/tasks'),
        () => request('GET', ticket()),
        () => request('DELETE', ticket()),
        () => request('GET', '/readyz'),
        () => (random.chance(0.02) ? void pool.stop({ graceMs: 1, forceMs: 60_000 }) : undefined)
      ]
      return { act: () => random.pick(acts)(), end }
    })
    expect([...statuses.keys()].toSorted()).toEqual([200, 202, 400, 404, 409, 503])
  })

  it('B12 a wait group: each wait ends, and nothing is left to be done', async () => {
    let waits = 0
    await rounds((random) => {
      const group = new WaitGroup()
      const foreign: unknown[] = []
      const ends: Promise<unknown>[] = []
      const note = (error: unknown): void => {
        if (!isPoolError(error)) foreign.push(error)
      }
      const member = async (): Promise<void> => {
        await nextTurn()
        if (random.chance(0.3)) throw new Error('a member failed')
      }
      const acts: readonly (() => unknown)[] = [
        () => void group.go(member).catch(() => {}),
        () => {
          const tracked = member()
          tracked.catch(() => {}) // a group that was closed does not take it
          group.track(tracked).catch(() => {})
        },
        () => {
          group.add()
          void nextTurn().then(() => group.done())
        },
        () => ends.push(group.wait({ timeoutMs: random.integer(0, 3) }).catch(note)),
        () => {
          const left = new AbortController()
          const wait = group.wait({ signal: left.signal })
          ends.push(wait.catch((error: unknown) => expect(error).toBe(left.signal.reason)))
          if (random.chance(0.5)) left.abort()
        },
        () => (random.chance(0.01) ? group.close() : undefined)
      ]
      const act = (): void => {
        try {
          random.pick(acts)()
        } catch (error) {
          note(error)
        }
      }
      return {
        act,
        end: async () => {
          await group[Symbol.asyncDispose]()
          await Promise.all(ends)
          waits += ends.length
          expect({ size: group.size, foreign }).toEqual({ size: 0, foreign: [] })
        }
      }
    })
    expect(waits).toBeGreaterThan(ROUNDS)
  })
})
