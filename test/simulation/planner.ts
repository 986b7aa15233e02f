import { EVENTS } from '../support/event-names.js'
import { given } from './given.js'
import {
  type Action,
  BEHAVIOURS,
  type Behaviour,
  type Operation,
  type Plan,
  type Reaction,
  type Retry,
  SELF_WAITING,
  type Setup,
  SIGNALS,
  type TaskPlan
} from './plan.js'
import { Random } from './random.js'
import { withReaders } from './readers.js'

/**
 * Everything that a seed decides. Nothing is drawn later, so operations can be taken out one by one. In every eleventh
 * seed tasks wait for their own pool, and are to be told so.
 */
export function planOf(seed: number, length = 80): Plan {
  return withReaders(new Planner(new Random(seed), seed % 11 === 0).plan(seed, length))
}

/**
 * The plan of a seed with what the surroundings do besides: things arrive while the loop is blocked, the wall clock is
 * set. Drawn apart from the plan, so that a seed that was kept for its plan keeps it.
 */
export function livelyPlanOf(seed: number, length?: number): Plan {
  const plan = planOf(seed, length)
  const random = new Random(seed + 0x5eed)
  const operations = [...plan.operations]
  const insert = (...some: Operation[]) => operations.splice(random.integer(0, operations.length), 0, ...some)
  if (random.chance(0.5)) {
    for (let i = random.integer(1, 8); i > 0; i--) {
      const target = random.integer(0, 1_000)
      const arrives = { do: 'arrive' as const, target, well: random.chance(0.7), upTo: 'nothing' as const }
      const ms = random.integer(0, random.chance(0.3) ? 5_000 : 60)
      if (random.chance(0.7)) insert(arrives, { do: 'block', ms, upTo: 'turn' })
      else insert(arrives)
    }
  }
  if (random.chance(0.3)) {
    for (let i = random.integer(1, 3); i > 0; i--)
      insert({ do: 'step wall', ms: random.integer(-1_000_000, 1_000_000), upTo: 'nothing' })
  }
  const unsure = random.chance(0.3)
  const stopsByDefault = operations.map((operation) =>
    operation.do === 'stop' && unsure ? { do: 'stop' as const, upTo: operation.upTo } : operation
  )
  return { ...plan, operations: stopsByDefault }
}

/** The events that plans have always drawn from: a seed stays what it was. */
const DRAWN = EVENTS.filter((event) => event !== 'snoozed')

/** What plans have always drawn; for the rest see `extras.ts`. */
type Drawn = Exclude<Action['do'], 'reprioritize' | 'cancel all' | 'forget'>

/** What is on or off for a whole plan. */
type Kind = 'timeouts' | 'queueTimeouts' | 'retries' | 'signals' | 'ids' | 'inside' | 'selfWaits'

/** Draws one plan. Each kind of thing is on or off for the whole plan: rare combinations need long runs of their own. */
class Planner {
  readonly #random: Random
  readonly #keys: readonly (string | undefined)[]
  readonly #priorities: readonly number[]
  readonly #behaviours: readonly Behaviour[]
  readonly #weights: readonly (readonly [Drawn | 'advance' | 'block', number])[]
  readonly #weight: number
  readonly #on: Readonly<Record<Kind, boolean>>
  readonly #hurry: number

  constructor(random: Random, selfWaits: boolean) {
    this.#random = random
    this.#keys = random.chance(0.5) ? [undefined] : [undefined, 'a', 'b', 'c'].slice(0, random.integer(2, 4))
    this.#priorities = random.chance(0.6) ? [0] : [-1, 0, 0, 3]
    this.#behaviours = random.chance(0.3)
      ? ['waits and honours abort', 'waits and honours abort', random.pick(BEHAVIOURS)]
      : BEHAVIOURS.filter(() => random.chance(0.5)).concat('resolves')
    const weight = (probability: number, most: number) => (random.chance(probability) ? 1 + random.next() * most : 0)
    this.#weights = [
      ['queue', 4 + random.next() * 6],
      ['wait', weight(0.6, 6)],
      ['queue aborted', weight(0.2, 1)],
      ['cancel', weight(0.7, 4)],
      ['end', weight(0.9, 8)],
      ['ask', weight(0.5, 3)],
      ['abort', weight(0.5, 2)],
      ['start', weight(0.2, 1)],
      ['pause', weight(0.4, 1)],
      ['resume', weight(0.5, 2)],
      ['resize', weight(0.3, 2)],
      ['drain', weight(0.4, 2)],
      ['advance', 1 + random.next() * 6],
      ['block', weight(0.3, 2)]
    ]
    this.#weight = this.#weights.reduce((sum, [, some]) => sum + some, 0)
    this.#on = {
      timeouts: random.chance(0.4),
      queueTimeouts: random.chance(0.3),
      retries: random.chance(0.4),
      signals: random.chance(0.4),
      ids: random.chance(0.2),
      inside: random.chance(0.4) || selfWaits,
      selfWaits
    }
    if (selfWaits) this.#behaviours = [...this.#behaviours, SELF_WAITING, SELF_WAITING]
    this.#hurry = random.next()
  }

  plan(seed: number, length: number): Plan {
    const random = this.#random
    const setup = this.#setup()
    const operations: Operation[] = []
    const stops = random.chance(0.5) ? random.integer(1, 3) : 0
    while (operations.length < length - stops) operations.push(this.#operation(0))
    for (let i = 0; i < stops; i++) {
      // late: in the last third
      const at = random.integer(Math.floor(length * 0.66), operations.length)
      operations.splice(at, 0, { ...this.#stop(), upTo: this.#upTo() })
    }
    const reactions = this.#on.inside ? this.#reactions(stops > 0) : []
    return { seed, setup, operations, reactions }
  }

  /** A duration that no other one in its plan is likely to share, exact in binary so that sums are exact as well. */
  #ms(from: number, to: number): number {
    return this.#random.integer(from * 1_024, to * 1_024) / 1_024
  }

  /** What is drawn, if this kind of thing is on in this plan. */
  #maybe<T>(kind: Kind, probability: number, draw: () => T): T | undefined {
    return this.#on[kind] ? this.#random.maybe(probability, draw) : undefined
  }

  #signal(): number | undefined {
    return this.#maybe('signals', 0.5, () => this.#random.integer(0, SIGNALS - 1))
  }

  #setup(): Setup {
    const random = this.#random
    const bounds = given({
      waiterCapacity: random.maybe(0.3, () => random.integer(1, 4)),
      taskTimeoutMs: this.#maybe('timeouts', 0.5, () => this.#ms(5, 60)),
      queueTimeoutMs: this.#maybe('queueTimeouts', 0.5, () => this.#ms(5, 60)),
      retry: this.#maybe('retries', 0.4, () => this.#retry()),
      rateLimit: random.maybe(0.2, () => ({ starts: random.integer(1, 3), intervalMs: this.#ms(5, 50) })),
      perKey: this.#keys.length > 1 ? random.maybe(0.6, () => this.#perKey()) : undefined
    })
    const quiet = random.chance(0.15)
    return {
      ...bounds,
      concurrency: random.integer(1, 4),
      queueCapacity: random.chance(0.05) ? Number.POSITIVE_INFINITY : random.integer(0, 5),
      retention: {
        // with nobody listening nobody knows in what order tasks settled, and so which is forgotten first
        count: quiet ? 1_000 : random.pick([0, 2, 5, 1_000]),
        ms: this.#on.ids || random.chance(0.7) ? Number.POSITIVE_INFINITY : this.#ms(0, 50)
      },
      stuckAfterMs: this.#ms(5, 40),
      ...(this.#on.selfWaits ? { detectSelfWait: true } : undefined),
      started: random.chance(0.85),
      quiet,
      throwing: random.chance(0.25) ? DRAWN.filter(() => random.chance(0.4)) : [],
      rejecting: random.chance(0.15) ? DRAWN.filter(() => random.chance(0.3)) : []
    }
  }

  #perKey(): NonNullable<Setup['perKey']> {
    const random = this.#random
    return given({
      concurrency: random.maybe(0.7, () => random.integer(1, 2)),
      queueCapacity: random.maybe(0.6, () => random.integer(0, 3))
    })
  }

  #retry(): Retry {
    const random = this.#random
    return {
      attempts: random.integer(1, 4),
      backoff: random.pick(['as it is', 'as it is', 'doubled', 'wrong']),
      backoffMs: random.chance(0.2) ? 0 : this.#ms(1, 30),
      when: random.pick(['absent', 'always', 'always', 'never', 'throws', 'cancels'])
    }
  }

  #task(depth: number): TaskPlan {
    const random = this.#random
    const key = random.pick(this.#keys)
    const inside: Action[] = []
    if (this.#on.inside && depth < 2 && random.chance(this.#on.selfWaits ? 0.6 : 0.3)) {
      for (let i = random.integer(1, 2); i > 0; i--) inside.push(this.#actionInside(depth + 1))
    }
    return given({
      attempts: Array.from({ length: random.integer(1, 3) }, () => random.pick(this.#behaviours)),
      lazy: random.chance(0.4),
      progress: random.chance(0.1),
      inside,
      later: this.#maybe('selfWaits', 0.3, () => true),
      ...this.#maybe('ids', 0.5, () => ({ id: `id-${random.integer(1, 6)}`, join: random.chance(0.4) })),
      key,
      priority: random.maybe(0.5, () => random.pick(this.#priorities)),
      timeoutMs: this.#maybe('timeouts', 0.4, () => this.#ms(random.integer(0, 1), 40)),
      queueTimeoutMs: this.#maybe('queueTimeouts', 0.4, () => this.#ms(0, 40)),
      retry: this.#maybe('retries', 0.5, () => this.#retry()),
      signal: this.#signal()
    })
  }

  #operation(depth: number): Operation {
    const random = this.#random
    const kind = this.#kind()
    const upTo = this.#upTo()
    if (kind === 'advance') return { do: 'advance', ms: this.#ms(0, random.chance(0.05) ? 100_000_000 : 30), upTo }
    if (kind === 'block') return { do: 'block', ms: this.#ms(0, random.chance(0.2) ? 5_000 : 30), upTo }
    return { ...this.#act(kind, depth), upTo }
  }

  #action(depth: number): Action {
    const kind = this.#kind()
    return kind === 'advance' || kind === 'block' ? this.#act('end', depth) : this.#act(kind, depth)
  }

  #actionInside(depth: number): Action {
    const selfWait = this.#maybe('selfWaits', 0.7, (): Action => {
      if (this.#random.chance(0.2)) return { do: 'drain' }
      return { do: 'wait', task: this.#task(depth), asks: false }
    })
    return selfWait ?? this.#action(depth)
  }

  #act(kind: Drawn, depth: number): Action {
    const random = this.#random
    const signal = this.#signal()
    switch (kind) {
      case 'queue':
        return { do: 'queue', task: this.#task(depth), asks: random.chance(0.5) }
      case 'wait':
        return given({
          do: 'wait' as const,
          task: this.#task(depth),
          asks: random.chance(0.5),
          waitMs: random.maybe(0.6, () => (random.chance(0.15) ? 0 : this.#ms(0, 40))),
          waitSignal: signal
        })
      case 'queue aborted':
        return { do: 'queue aborted', waits: random.chance(0.5) }
      case 'cancel':
        return {
          do: 'cancel',
          target: random.integer(0, 1_000),
          by: random.pick(['task', 'pool']),
          reason: random.chance(0.5)
        }
      case 'end':
        return { do: 'end', target: random.integer(0, 1_000), well: random.chance(0.7) }
      case 'ask':
        return { do: 'ask', target: random.integer(0, 1_000) }
      case 'abort':
        return { do: 'abort', signal: random.integer(0, SIGNALS - 1) }
      case 'resize':
        return given({
          do: 'resize' as const,
          concurrency: random.maybe(0.7, () => random.integer(1, 4)),
          queueCapacity: random.maybe(0.5, () => random.integer(0, 5))
        })
      case 'drain':
        return given({ do: 'drain' as const, timeoutMs: random.maybe(0.5, () => this.#ms(0, 60)), signal })
      case 'stop':
        return this.#stop()
      default:
        return { do: kind }
    }
  }

  #stop(): Action & { readonly do: 'stop' } {
    const random = this.#random
    return {
      do: 'stop',
      graceMs: random.chance(0.5) ? 0 : this.#ms(1, 60),
      forceMs: random.chance(0.35) ? 0 : this.#ms(1, 60)
    }
  }

  #kind(): Drawn | 'advance' | 'block' {
    let left = this.#random.next() * this.#weight
    for (const [kind, weight] of this.#weights) {
      left -= weight
      if (left < 0) return kind
    }
    return 'advance'
  }

  #upTo(): Operation['upTo'] {
    if (this.#random.chance(this.#hurry * 0.6)) return 'nothing'
    return this.#random.chance(0.3) ? 'microtasks' : 'turn'
  }

  #reactions(stops: boolean): Reaction[] {
    const random = this.#random
    return Array.from({ length: random.integer(0, 3) }, () => ({
      event: random.pick(DRAWN),
      nth: random.integer(1, 8),
      actions: Array.from({ length: random.integer(1, 2) }, () =>
        stops && random.chance(0.1) ? this.#stop() : this.#action(1)
      )
    }))
  }
}
