import type { PoolEventName } from '../../../src/index.js'
import { Random } from '../random.js'

/** The handlers of the pools, by what they do. */
export const NAMES = ['quick', 'fails', 'waits', 'once', 'deaf', 'snoozes', 'reports'] as const

export type Name = (typeof NAMES)[number]

/** A task to be queued. */
export interface DurableTask {
  readonly name: Name
  readonly id?: string
  readonly join?: 'join' | 'join-live'
  readonly key?: string
  readonly priority?: number
  readonly weight?: number
  readonly delayMs?: number
  readonly queueTimeoutMs?: number
  readonly timeoutMs?: number
  readonly attempts?: number
  readonly volatile?: boolean
}

/** What may be done at any moment, also by a listener. */
export type DurableAction =
  | { readonly do: 'queue' | 'wait'; readonly task: DurableTask }
  | { readonly do: 'open'; readonly well: boolean }
  | { readonly do: 'cancel' | 'find' | 'forget'; readonly target: number }
  | { readonly do: 'cancel all' | 'start' | 'pause' | 'resume' | 'drain' }
  | { readonly do: 'resize'; readonly concurrency: number; readonly queueCapacity: number }
  | {
      readonly do: 'stop'
      readonly graceMs: number
      readonly forceMs: number
      readonly queued: 'run' | 'cancel'
    }
  | { readonly do: 'hold' | 'release' | 'release one' | 'recover' }
  | { readonly do: 'fail'; readonly count: number; readonly after: number; readonly applied: boolean }
  | { readonly do: 'fail get' }

/** What may be done from outside only. A killed process, or one that has stopped, is followed by another. */
type OutsideAction =
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'kill' }
  | { readonly do: 'turn' }
  | { readonly do: 'kill at'; readonly write: number; readonly when: 'before' | 'after' }
  | { readonly do: 'restart'; readonly lacks?: Name; readonly sync: boolean; readonly downMs: number }

export type DurableOperation = (DurableAction | OutsideAction) & {
  /** Whether the event loop comes round before the next operation. */
  readonly turns: boolean
}

/** Bounds of the pools. */
export interface DurableSetup {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly keyConcurrency?: number
  readonly weightCapacity?: number
  readonly queueTimeoutMs?: number
  readonly retention: number
  readonly maxCrashes: number
  readonly backoffMs: number
  readonly sync: boolean
  readonly started: boolean
}

export interface DurableReaction {
  readonly event: PoolEventName
  readonly nth: number
  readonly action: DurableAction
}

export interface DurablePlan {
  readonly seed: number
  readonly setup: DurableSetup
  readonly operations: readonly DurableOperation[]
  readonly reactions: readonly DurableReaction[]
}

const LENGTH = 80
const REACTING: readonly PoolEventName[] = [
  'queued',
  'started',
  'retrying',
  'snoozed',
  'settled',
  'store',
  'idle',
  'stopping'
]

/** Everything that a seed decides about pools with a store, one after the other on one disk. */
export function durablePlanOf(seed: number): DurablePlan {
  const random = new Random(seed + 0xd15c)
  const faulty = random.chance(0.6)
  const kills = random.chance(0.7)
  const setup: DurableSetup = {
    concurrency: random.integer(1, 4),
    queueCapacity: random.integer(1, 6),
    ...random.maybe(0.3, () => ({ keyConcurrency: random.integer(1, 2) })),
    ...random.maybe(0.2, () => ({ weightCapacity: random.integer(4, 10) })),
    ...random.maybe(0.2, () => ({ queueTimeoutMs: random.integer(20, 60) })),
    retention: random.pick([0, 3, 1_000]),
    maxCrashes: random.pick([1, 2, 3, 1_000]),
    backoffMs: random.pick([0, 5, 50]),
    sync: random.chance(0.3),
    started: random.chance(0.85)
  }
  const draw = new Drawer(random, faulty, kills)
  const operations = Array.from({ length: LENGTH }, () => draw.operation())
  const reactions = Array.from({ length: random.pick([0, 0, 1, 3]) }, () => ({
    event: random.pick(REACTING),
    nth: random.integer(1, 6),
    action: draw.action()
  }))
  return { seed, setup, operations, reactions }
}

class Drawer {
  readonly #random: Random
  readonly #names: readonly Name[]
  readonly #faulty: boolean
  readonly #kills: boolean
  #chosen = 0

  constructor(random: Random, faulty: boolean, kills: boolean) {
    this.#random = random
    this.#names = random.chance(0.5) ? NAMES : NAMES.filter(() => random.chance(0.5)).concat('waits')
    this.#faulty = faulty
    this.#kills = kills
  }

  operation(): DurableOperation {
    return { ...this.#operation(), turns: this.#random.chance(0.6) }
  }

  #operation(): DurableAction | OutsideAction {
    const random = this.#random
    const at = random.next()
    if (at < 0.14) return { do: 'advance', ms: random.pick([1, 5, 20, 60, random.integer(0, 3_000)]) }
    if (at < 0.2) return { do: 'turn' }
    if (this.#kills && at < 0.225) return { do: 'kill' }
    if (this.#kills && at < 0.25)
      return { do: 'kill at', write: random.integer(1, 8), when: random.pick(['before', 'after']) }
    if (at < 0.28) {
      const lacks = random.maybe(0.2, () => ({ lacks: random.pick(this.#names) }))
      return { do: 'restart', ...lacks, sync: random.chance(0.3), downMs: random.integer(0, 200) }
    }
    return this.action()
  }

  action(): DurableAction {
    const random = this.#random
    const at = random.next()
    if (at < 0.36) return { do: 'queue', task: this.#task() }
    if (at < 0.42) return { do: 'wait', task: this.#task() }
    if (at < 0.58) return { do: 'open', well: random.chance(0.7) }
    if (at < 0.66) return { do: 'cancel', target: random.integer(0, 1_000) }
    if (at < 0.7) return { do: 'find', target: random.integer(0, 1_000) }
    if (at < 0.72) return { do: 'forget', target: random.integer(0, 1_000) }
    if (at < 0.75) return { do: 'drain' }
    if (at < 0.76) return { do: 'cancel all' }
    if (at < 0.78) return { do: 'start' }
    if (at < 0.79) return { do: 'pause' }
    if (at < 0.81) return { do: 'resume' }
    if (at < 0.82) return { do: 'resize', concurrency: random.integer(1, 4), queueCapacity: random.integer(0, 6) }
    if (at < 0.84) {
      return {
        do: 'stop',
        graceMs: random.pick([0, 0, 30]),
        forceMs: random.pick([0, 30, 3_000]),
        queued: random.pick(['run', 'run', 'cancel'])
      }
    }
    return this.#fault()
  }

  #fault(): DurableAction {
    const random = this.#random
    const at = random.next()
    if (at < 0.2) return { do: 'hold' }
    if (at < 0.35) return { do: 'release' }
    if (at < 0.6) return { do: 'release one' }
    if (!this.#faulty || at < 0.7) return { do: 'recover' }
    if (at < 0.75) return { do: 'fail get' }
    const count = random.pick([1, 1, 2, Number.POSITIVE_INFINITY])
    return { do: 'fail', count, after: random.integer(0, 3), applied: random.chance(0.5) }
  }

  #task(): DurableTask {
    const random = this.#random
    return {
      name: random.pick(this.#names),
      ...random.maybe(0.15, () => ({ id: `chosen-${++this.#chosen}` })),
      ...random.maybe(0.1, () => ({
        id: `shared-${random.integer(1, 3)}`,
        join: random.pick(['join', 'join-live'] as const)
      })),
      ...random.maybe(0.3, () => ({ key: random.pick(['a', 'b']) })),
      ...random.maybe(0.2, () => ({ priority: random.integer(-1, 1) })),
      ...random.maybe(0.2, () => ({ weight: random.integer(1, 4) })),
      ...random.maybe(0.12, () => ({ delayMs: random.pick([1, 20, 100]) })),
      ...random.maybe(0.12, () => ({ queueTimeoutMs: random.integer(0, 60) })),
      ...random.maybe(0.1, () => ({ timeoutMs: random.integer(1, 40) })),
      ...random.maybe(0.2, () => ({ attempts: random.integer(1, 3) })),
      ...random.maybe(0.1, () => ({ volatile: true }))
    }
  }
}
