import type { PoolEventName } from '../../src/index.js'
import { Random } from './random.js'

/** What one attempt of a task does. */
export const BEHAVIOURS = [
  'returns',
  'throws',
  'resolves',
  'rejects',
  'waits and honours abort',
  'waits and fails with the abort as cause',
  'waits and gives up later',
  'waits and fails its own way when aborted',
  'waits and returns when aborted',
  'is deaf',
  'is an abort nobody asked for',
  'is a thenable that calls both',
  'is a thenable that throws after it called',
  'has a then that throws',
  'is a thenable that never calls by itself'
] as const

export type Behaviour = (typeof BEHAVIOURS)[number]

export interface Retry {
  readonly attempts: number
  /** As it is: from a function. Doubled: from a number. */
  readonly backoff: 'as it is' | 'doubled' | 'wrong'
  readonly backoffMs: number
  readonly when: 'always' | 'never' | 'throws' | 'cancels' | 'absent'
}

export interface TaskPlan {
  readonly attempts: readonly Behaviour[]
  /** Does not look at its signal unless it waits for it. */
  readonly lazy: boolean
  /** Tells its progress. */
  readonly progress: boolean
  /** What the function does when it is called, before anything else. */
  readonly inside: readonly Action[]
  readonly id?: string
  readonly join?: boolean
  readonly key?: string
  readonly priority?: number
  readonly timeoutMs?: number
  readonly queueTimeoutMs?: number
  readonly retry?: Retry
  readonly signal?: number
}

/** One of the tasks that could be meant, by number; or a certain one: the first that was handed over is `t1`. */
export type Target = number | string

/** What may be done at any moment, also inside a task or a listener. */
export type Action =
  | { readonly do: 'queue'; readonly task: TaskPlan; readonly asks: boolean }
  | {
      readonly do: 'wait'
      readonly task: TaskPlan
      readonly asks: boolean
      readonly waitMs?: number
      readonly waitSignal?: number
    }
  | { readonly do: 'queue aborted'; readonly waits: boolean }
  | { readonly do: 'cancel'; readonly target: Target; readonly by: 'task' | 'pool'; readonly reason: boolean }
  | { readonly do: 'end'; readonly target: Target; readonly well: boolean }
  | { readonly do: 'ask'; readonly target: number }
  | { readonly do: 'abort'; readonly signal: number }
  | { readonly do: 'start' }
  | { readonly do: 'pause' }
  | { readonly do: 'resume' }
  | { readonly do: 'resize'; readonly concurrency?: number; readonly queueCapacity?: number }
  | { readonly do: 'drain'; readonly timeoutMs?: number; readonly signal?: number }
  | { readonly do: 'stop'; readonly graceMs: number; readonly forceMs: number }

/** What may be done from outside only. */
export type Operation = (
  | Action
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'block'; readonly ms: number }
) & {
  /** How far the world goes before the next operation: not at all, to the last microtask, a turn of the loop. */
  readonly upTo: 'nothing' | 'microtasks' | 'turn'
}

export interface Reaction {
  readonly event: PoolEventName
  /** At which occurrence. */
  readonly nth: number
  readonly actions: readonly Action[]
}

export interface Setup {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly waiterCapacity?: number
  readonly taskTimeoutMs?: number
  readonly queueTimeoutMs?: number
  readonly retry?: Retry
  readonly rateLimit?: { readonly starts: number; readonly intervalMs: number }
  readonly perKey?: { readonly concurrency?: number; readonly queueCapacity?: number }
  readonly retention: { readonly count: number; readonly ms: number }
  readonly stuckAfterMs: number
  readonly started: boolean
  /** Nobody listens to how tasks end. */
  readonly quiet: boolean
  /** Events with a listener that throws, and with one that rejects. */
  readonly throwing: readonly PoolEventName[]
  readonly rejecting: readonly PoolEventName[]
}

export interface Plan {
  readonly seed: number
  readonly setup: Setup
  readonly operations: readonly Operation[]
  readonly reactions: readonly Reaction[]
}

/** How many signals of callers there are at a time. */
export const SIGNALS = 3

const EVENTS: readonly PoolEventName[] = [
  'queued',
  'started',
  'retrying',
  'progress',
  'succeeded',
  'failed',
  'canceled',
  'settled',
  'stuck',
  'refused',
  'idle',
  'stopping',
  'stopped'
]

/** Everything that a seed decides. Nothing is drawn later, so operations can be taken out one by one. */
export function planOf(seed: number, length = 80): Plan {
  const random = new Random(seed)
  return new Planner(random).plan(seed, length)
}

/** Draws one plan. Each kind of thing is on or off for the whole plan: rare combinations need long runs of their own. */
class Planner {
  readonly #random: Random
  readonly #keys: readonly (string | undefined)[]
  readonly #priorities: readonly number[]
  readonly #behaviours: readonly Behaviour[]
  readonly #weights: readonly (readonly [Action['do'] | 'advance' | 'block', number])[]
  readonly #on: Readonly<Record<'timeouts' | 'queueTimeouts' | 'retries' | 'signals' | 'ids' | 'inside', boolean>>
  readonly #hurry: number

  constructor(random: Random) {
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
    this.#on = {
      timeouts: random.chance(0.4),
      queueTimeouts: random.chance(0.3),
      retries: random.chance(0.4),
      signals: random.chance(0.4),
      ids: random.chance(0.2),
      inside: random.chance(0.4)
    }
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

  #setup(): Setup {
    const random = this.#random
    const some = <T>(probability: number, value: () => T): T | undefined =>
      random.chance(probability) ? value() : undefined
    const waiterCapacity = some(0.3, () => random.integer(1, 4))
    const taskTimeoutMs = this.#on.timeouts ? some(0.5, () => this.#ms(5, 60)) : undefined
    const queueTimeoutMs = this.#on.queueTimeouts ? some(0.5, () => this.#ms(5, 60)) : undefined
    const retry = this.#on.retries ? some(0.4, () => this.#retry()) : undefined
    const rateLimit = some(0.2, () => ({ starts: random.integer(1, 3), intervalMs: this.#ms(5, 50) }))
    const perKey =
      this.#keys.length > 1
        ? some(0.6, () => ({
            ...(random.chance(0.7) ? { concurrency: random.integer(1, 2) } : undefined),
            ...(random.chance(0.6) ? { queueCapacity: random.integer(0, 3) } : undefined)
          }))
        : undefined
    const quiet = random.chance(0.15)
    return {
      concurrency: random.integer(1, 4),
      queueCapacity: random.chance(0.05) ? Number.POSITIVE_INFINITY : random.integer(0, 5),
      ...(waiterCapacity === undefined ? undefined : { waiterCapacity }),
      ...(taskTimeoutMs === undefined ? undefined : { taskTimeoutMs }),
      ...(queueTimeoutMs === undefined ? undefined : { queueTimeoutMs }),
      ...(retry === undefined ? undefined : { retry }),
      ...(rateLimit === undefined ? undefined : { rateLimit }),
      ...(perKey === undefined ? undefined : { perKey }),
      retention: {
        // with nobody listening nobody knows in what order tasks settled, and so which is forgotten first
        count: quiet ? 1_000 : random.pick([0, 2, 5, 1_000]),
        ms: this.#on.ids || random.chance(0.7) ? Number.POSITIVE_INFINITY : this.#ms(0, 50)
      },
      stuckAfterMs: this.#ms(5, 40),
      started: random.chance(0.85),
      quiet,
      throwing: random.chance(0.25) ? EVENTS.filter(() => random.chance(0.4)) : [],
      rejecting: random.chance(0.15) ? EVENTS.filter(() => random.chance(0.3)) : []
    }
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
    if (this.#on.inside && depth < 2 && random.chance(0.3)) {
      for (let i = random.integer(1, 2); i > 0; i--) inside.push(this.#action(depth + 1))
    }
    return {
      attempts: Array.from({ length: random.integer(1, 3) }, () => random.pick(this.#behaviours)),
      lazy: random.chance(0.4),
      progress: random.chance(0.1),
      inside,
      ...(this.#on.ids && random.chance(0.5) ? { id: `id-${random.integer(1, 6)}`, join: random.chance(0.4) } : {}),
      ...(key === undefined ? undefined : { key }),
      ...(random.chance(0.5) ? { priority: random.pick(this.#priorities) } : undefined),
      ...(this.#on.timeouts && random.chance(0.4) ? { timeoutMs: this.#ms(random.integer(0, 1), 40) } : undefined),
      ...(this.#on.queueTimeouts && random.chance(0.4) ? { queueTimeoutMs: this.#ms(0, 40) } : undefined),
      ...(this.#on.retries && random.chance(0.5) ? { retry: this.#retry() } : undefined),
      ...(this.#on.signals && random.chance(0.5) ? { signal: random.integer(0, SIGNALS - 1) } : undefined)
    }
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

  #act(kind: Action['do'], depth: number): Action {
    const random = this.#random
    const signal = this.#on.signals && random.chance(0.5) ? random.integer(0, SIGNALS - 1) : undefined
    switch (kind) {
      case 'queue':
        return { do: 'queue', task: this.#task(depth), asks: random.chance(0.5) }
      case 'wait':
        return {
          do: 'wait',
          task: this.#task(depth),
          asks: random.chance(0.5),
          ...(random.chance(0.6) ? { waitMs: random.chance(0.15) ? 0 : this.#ms(0, 40) } : undefined),
          ...(signal === undefined ? undefined : { waitSignal: signal })
        }
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
        return {
          do: 'resize',
          ...(random.chance(0.7) ? { concurrency: random.integer(1, 4) } : undefined),
          ...(random.chance(0.5) ? { queueCapacity: random.integer(0, 5) } : undefined)
        }
      case 'drain':
        return {
          do: 'drain',
          ...(random.chance(0.5) ? { timeoutMs: this.#ms(0, 60) } : undefined),
          ...(signal === undefined ? undefined : { signal })
        }
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

  #kind(): Action['do'] | 'advance' | 'block' {
    let left = this.#random.next() * this.#weights.reduce((sum, [, weight]) => sum + weight, 0)
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
      event: random.pick(EVENTS),
      nth: random.integer(1, 8),
      actions: Array.from({ length: random.integer(1, 2) }, () =>
        stops && random.chance(0.1) ? this.#stop() : this.#action(1)
      )
    }))
  }
}
