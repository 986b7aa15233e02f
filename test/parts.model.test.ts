/**
 * Parts of the pool against models as simple as can be, by runs of commands that are made smaller when they fail.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DrainTimeoutError, WaitGroup, WaitGroupError } from '../src/index.js'
import type { Retained } from '../src/tickets/retained-list.js'
import { Retention, UNREAD_COUNT } from '../src/tickets/retention.js'
import { Deadline, Deadlines } from '../src/waiting/deadlines.js'
import { type Gate, gate } from './support/gate.js'
import { ManualClock } from './support/manual-clock.js'

/** As many commands as can be: by default a run has five on average, which proves nothing. */
const LONG = { size: 'max', maxCommands: 60 } as const

/** Resolves when no microtask is left. */
const microtasks = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

/** A command that may always run. */
class Step<M extends object, R> implements fc.AsyncCommand<M, R> {
  readonly #name: string
  readonly #run: (model: M, real: R) => void | Promise<void>

  constructor(name: string, run: (model: M, real: R) => void | Promise<void>) {
    this.#name = name
    this.#run = run
  }

  check(): boolean {
    return true
  }

  async run(model: M, real: R): Promise<void> {
    await this.#run(model, real)
  }

  toString(): string {
    return this.#name
  }
}

describe('a WaitGroup', () => {
  interface Wait {
    readonly controller: AbortController
    came: 'waiting' | 'let go' | 'aborted' | 'timed out'
    expected: Wait['came']
  }

  class Model {
    size = 0
    closed = false
    readonly waits: Wait[] = []
    readonly gates: Gate<unknown>[] = []

    zero(): void {
      if (this.size > 0) return
      for (const wait of this.waits) if (wait.expected === 'waiting') wait.expected = 'let go'
    }
  }

  const step = (name: string, run: (model: Model, group: WaitGroup) => void | Promise<void>) =>
    new Step<Model, WaitGroup>(name, async (model, group) => {
      await run(model, group)
      await microtasks()
      expect(group.size).toBe(model.size)
      expect(model.waits.map(({ came }) => came)).toEqual(model.waits.map(({ expected }) => expected))
    })

  /** What is refused after `close()`. */
  const added = (model: Model, n: number, add: () => void): boolean => {
    if (model.closed) {
      expect(add).toThrow(WaitGroupError)
      return false
    }
    add()
    model.size += n
    return true
  }

  const members: Readonly<Record<string, (member: Gate<unknown>) => PromiseLike<unknown>>> = {
    promise: ({ promise }) => promise,
    'thenable that calls both, twice': ({ promise }) => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what is tried
      then: (
        resolve: ((value: unknown) => unknown) | null | undefined,
        reject: ((error: unknown) => unknown) | null | undefined
      ) => {
        const both = (): void => {
          resolve?.('done')
          reject?.(new Error('and failed'))
          resolve?.('again')
        }
        promise.then(both, both)
        return promise as never
      }
    })
  }

  const commands = [
    fc
      .integer({ min: 0, max: 3 })
      .map((n) => step(`add(${n})`, (model, group) => void added(model, n, () => group.add(n)))),
    fc
      .integer()
      .filter((n) => n < 0)
      .map((n) =>
        step(`add(${n})`, (_, group) => {
          expect(() => group.add(n)).toThrow(RangeError)
        })
      ),
    fc.constant(
      step('done()', (model, group) => {
        // members that are on their way count themselves out
        if (model.size - model.gates.length > 0) {
          group.done()
          model.size--
          return model.zero()
        }
        if (model.size === 0) expect(() => group.done()).toThrow(WaitGroupError)
      })
    ),
    fc.constantFrom('go', ...Object.keys(members)).map((kind) =>
      step(`track a ${kind}`, (model, group) => {
        const member = gate<unknown>()
        const make = members[kind]
        const follow = (): void => {
          const tracked = make === undefined ? group.go(() => member.promise) : group.track(make(member))
          tracked.then(undefined, () => {})
        }
        if (added(model, 1, follow)) model.gates.push(member)
      })
    ),
    fc.tuple(fc.nat(), fc.boolean()).map(([which, well]) =>
      step(well ? 'a member ends' : 'a member fails', async (model) => {
        if (model.gates.length === 0) return
        const [member] = model.gates.splice(which % model.gates.length, 1)
        if (well) member?.open('done')
        else member?.fail(new Error('failed'))
        await microtasks()
        model.size--
        model.zero()
      })
    ),
    fc.constant(
      step('close()', (model, group) => {
        model.closed = true
        group.close()
      })
    ),
    fc.constant(
      step('wait()', (model, group) => {
        const controller = new AbortController()
        const wait: Wait = { controller, came: 'waiting', expected: model.size === 0 ? 'let go' : 'waiting' }
        model.waits.push(wait)
        group.wait({ signal: controller.signal }).then(
          () => {
            wait.came = 'let go'
          },
          (error: unknown) => {
            wait.came = error instanceof DrainTimeoutError ? 'timed out' : 'aborted'
          }
        )
      })
    ),
    fc.nat().map((which) =>
      step('a wait is aborted', (model) => {
        const wait = model.waits[which % Math.max(model.waits.length, 1)]
        if (wait === undefined) return
        if (wait.expected === 'waiting') wait.expected = 'aborted'
        wait.controller.abort()
      })
    )
  ]

  it('lets each wait go once, at the next zero after it began, whatever its members do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, LONG), (run) =>
        fc.asyncModelRun(() => ({ model: new Model(), real: new WaitGroup() }), run)
      ),
      { numRuns: 300 }
    )
  })
})

describe('deadlines', () => {
  class Model {
    /** Name and time of each that is set, in the order of setting. */
    set: { readonly name: number; readonly at: number; readonly vital: boolean }[] = []
    readonly fired: number[] = []
  }

  class Real {
    readonly clock = new ManualClock(0)
    readonly deadlines = new Deadlines(this.clock)
    readonly fired: number[] = []
    readonly all: readonly Deadline[]

    constructor() {
      this.all = Array.from({ length: 6 }, (_, name) => new Deadline(() => void this.fired.push(name)))
    }
  }

  const step = (name: string, run: (model: Model, real: Real) => void | Promise<void>) =>
    new Step<Model, Real>(name, async (model, real) => {
      await run(model, real)
      expect(real.fired).toEqual(model.fired)
      expect(real.deadlines.size).toBe(model.set.length)
      expect(real.all.map(({ isSet }) => isSet)).toEqual(
        real.all.map((_, i) => model.set.some(({ name }) => name === i))
      )
      // the timer may be set for nothing, but it never keeps the process alive for nothing
      expect(real.clock.timers('alive') > 0).toBe(model.set.some(({ vital }) => vital))
    })

  const due = (model: Model, now: number): void => {
    const order = model.set.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at)
    model.set = model.set.filter(({ at }) => at > now)
    for (const { name } of order) model.fired.push(name)
  }

  const which = fc.nat(5)
  const commands = [
    fc.tuple(which, fc.nat(40), fc.boolean()).map(([name, ms, vital]) =>
      step(`set ${name} to ${ms}`, (model, { deadlines, all, clock }) => {
        deadlines.set(all[name] as Deadline, ms, vital)
        model.set = [...model.set.filter((other) => other.name !== name), { name, at: clock.now() + ms, vital }]
      })
    ),
    which.map((name) =>
      step(`set ${name} to never`, (model, { deadlines, all }) => {
        deadlines.set(all[name] as Deadline, Number.POSITIVE_INFINITY, true)
        model.set = model.set.filter((other) => other.name !== name)
      })
    ),
    which.map((name) =>
      step(`clear ${name}`, (model, { deadlines, all }) => {
        deadlines.clear(all[name] as Deadline)
        model.set = model.set.filter((other) => other.name !== name)
      })
    ),
    fc.nat(30).map((ms) =>
      step(`${ms} ms pass`, async (model, { clock }) => {
        await clock.advance(ms)
        due(model, clock.now())
      })
    ),
    fc.nat(60).map((ms) =>
      step(`the loop is blocked for ${ms} ms`, async (model, { clock }) => {
        clock.block(ms)
        await clock.advance(0)
        due(model, clock.now())
      })
    )
  ]

  it('fire each once, none early, in the order of their times, and keep the process alive only for those that should', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, LONG), (run) =>
        fc.asyncModelRun(() => ({ model: new Model(), real: new Real() }), run)
      ),
      { numRuns: 100 }
    )
  })
})

describe('retention', () => {
  interface Kept extends Retained<Kept> {
    readonly name: number
    ticket: number | null
    prev: Kept | null
    next: Kept | null
  }

  interface Known {
    readonly name: number
    readonly settledMs: number
    readonly retainMs: number | undefined
  }

  interface Model {
    now: number
    names: number
    /** With a ticket. */
    kept: Known[]
    unread: Known[]
    early: number
    readonly forgotten: number[]
  }

  interface Real {
    readonly retention: Retention<Kept>
    readonly forgotten: number[]
    readonly all: Kept[]
  }

  const limits = fc.record({
    count: fc.constantFrom(0, 1, 2, 5, Number.POSITIVE_INFINITY),
    ms: fc.constantFrom(0, 1, 10, 30, Number.POSITIVE_INFINITY)
  })

  const listed = ({ head }: { readonly head: Kept | null }): number[] => {
    const names: number[] = []
    for (let task = head; task !== null; task = task.next) names.push(task.name)
    return names
  }

  const namesOf = (tasks: readonly Known[]): number[] => tasks.map(({ name }) => name)

  const stepsWithin = ({ count, ms }: { readonly count: number; readonly ms: number }) => {
    const msOf = ({ retainMs }: Known): number => retainMs ?? ms
    const endOf = (task: Known): number => task.settledMs + msOf(task)
    const step = (name: string, run: (model: Model, real: Real) => void) =>
      new Step<Model, Real>(name, (model, real) => {
        run(model, real)
        expect(listed(real.retention.ticketed)).toEqual(namesOf(model.kept))
        expect(listed(real.retention.unread)).toEqual(namesOf(model.unread))
        expect(real.retention.size).toBe(model.kept.length + model.unread.length)
        expect(real.forgotten.toSorted()).toEqual(model.forgotten.toSorted())
        expect(real.retention.forgottenEarly).toBe(model.early)
        const usual = model.kept.filter(({ retainMs }) => retainMs === undefined)
        expect(real.retention.oldestTicketMs).toBe(Math.min(...usual.map(({ settledMs }) => settledMs)))
        expect(real.retention.nextExpiryMs).toBe(Math.min(...[...model.kept, ...model.unread].map(endOf)))
      })
    const keep = (model: Model, task: Known): void => {
      model.kept.push(task)
      if (model.kept.length <= count) return
      const first = model.kept.shift() as Known
      if (endOf(first) > model.now) model.early++
      model.forgotten.push(first.name)
    }
    const settles = (hasTicket: boolean, passed: number, retainMs: number | undefined) =>
      step(
        `one ${hasTicket ? 'with' : 'without'} a ticket settles after ${passed} ms, retained ${retainMs} ms`,
        (model, { retention, all }) => {
          model.now += passed
          const name = ++model.names
          const ticket = hasTicket ? name : null
          const task: Kept = { name, settledMs: model.now, retainMs, ticket, prev: null, next: null }
          all.push(task)
          retention.add(task)
          if (msOf(task) === 0) {
            if (hasTicket) model.forgotten.push(name)
            return
          }
          if (hasTicket) return keep(model, task)
          model.unread.push(task)
          if (model.unread.length > Math.min(count, UNREAD_COUNT)) model.unread.shift()
        }
      )
    const own = fc.option(fc.constantFrom(0, 3, 20, Number.POSITIVE_INFINITY), { nil: undefined, freq: 2 })
    return [
      fc.tuple(fc.constant(true), fc.nat(5), own).map((given) => settles(...given)),
      fc.tuple(fc.constant(false), fc.nat(5), own).map((given) => settles(...given)),
      fc.nat(40).map((nth) =>
        step(`the ticket of the ${nth}th without one is read`, (model, { retention, all }) => {
          const without = all.filter(({ ticket }) => ticket === null)
          const task = without[nth % Math.max(without.length, 1)]
          if (task === undefined) return
          retention.expire(model.now)
          expire(model)
          const inTime = endOf(task) > model.now
          expect(retention.addLate(task, model.now)).toBe(inTime && count > 0)
          task.ticket = task.name
          if (!inTime) return
          model.unread = model.unread.filter(({ name }) => name !== task.name)
          keep(model, task)
        })
      ),
      fc.nat(40).map((nth) =>
        step(`the ${nth}th is forgotten`, (model, { retention, all }) => {
          const task = all[nth % Math.max(all.length, 1)]
          if (task === undefined) return
          const { name } = task
          const retained = [...model.kept, ...model.unread].some((known) => known.name === name)
          expect(retention.remove(task)).toBe(retained)
          if (retained && task.ticket !== null) model.forgotten.push(name)
          model.kept = model.kept.filter((known) => known.name !== name)
          model.unread = model.unread.filter((known) => known.name !== name)
          task.ticket ??= name // nobody is found by it
        })
      ),
      fc.nat(20).map((passed) =>
        step(`${passed} ms pass`, (model, { retention }) => {
          model.now += passed
          retention.expire(model.now)
          expire(model)
        })
      )
    ]

    function expire(model: Model): void {
      const isOver = (task: Known): boolean => endOf(task) <= model.now
      model.forgotten.push(...namesOf(model.kept.filter(isOver)))
      model.kept = model.kept.filter((task) => !isOver(task))
      model.unread = model.unread.filter((task) => !isOver(task))
    }
  }

  it('keeps the newest tickets and a few tasks without one, none longer than asked for, and forgets each once', async () => {
    const runs = limits.chain((chosen) => fc.tuple(fc.constant(chosen), fc.commands(stepsWithin(chosen), LONG)))
    await fc.assert(
      fc.asyncProperty(runs, async ([chosen, run]) => {
        const forgotten: number[] = []
        const retention = new Retention<Kept>(chosen, ({ name }) => void forgotten.push(name))
        const model: Model = { now: 0, names: 0, kept: [], unread: [], early: 0, forgotten: [] }
        await fc.asyncModelRun(() => ({ model, real: { retention, forgotten, all: [] } }), run)
      }),
      { numRuns: 300 }
    )
  })
})
