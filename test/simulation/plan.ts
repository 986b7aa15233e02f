import type { PoolEventName } from '../../src/index.js'

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

/** Of tasks that wait for their own pool, where they are told so: elsewhere it would wait for ever. */
export const SELF_WAITING = 'waits for what it began inside'

/** How a call asks to be made again later. */
export const SNOOZING = ['snoozes', 'rejects with a snooze', 'waits and snoozes'] as const

export type Behaviour = (typeof BEHAVIOURS)[number] | typeof SELF_WAITING | (typeof SNOOZING)[number]

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
  /** It does that a microtask later, perhaps when it has ended. */
  readonly later?: boolean
  /** When the ticket is read: late, when it has settled; never, unless it has to be. Absent: as soon as it is accepted. */
  readonly reads?: 'late' | 'never'
  readonly id?: string
  readonly join?: boolean
  /** Only a live task is joined. */
  readonly joinLive?: boolean
  readonly delayMs?: number
  /** What its first calls do; the attempts come then. */
  readonly snoozes?: { readonly calls: readonly (typeof SNOOZING)[number][]; readonly ms: number }
  readonly weight?: number
  /** How long it is retained, instead of what the pool says. */
  readonly retainMs?: number
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
  | { readonly do: 'pause'; readonly forMs?: number }
  | { readonly do: 'reprioritize'; readonly target: Target; readonly priority: number }
  | { readonly do: 'cancel all'; readonly key?: string; readonly state?: 'queued' | 'running' }
  | { readonly do: 'forget'; readonly target: Target }
  | { readonly do: 'resume' }
  | {
      readonly do: 'resize'
      readonly concurrency?: number
      readonly queueCapacity?: number
      readonly rateLimit?: RatePlan | null
    }
  | { readonly do: 'drain'; readonly timeoutMs?: number; readonly signal?: number }
  /** Without times: those of the pool, by default. */
  | { readonly do: 'stop'; readonly graceMs?: number; readonly forceMs?: number; readonly queued?: 'cancel' }

/** What may be done from outside only. */
export type Operation = (
  | Action
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'block'; readonly ms: number }
  /** What a function waits for arrives: it ends when the event loop next reads what has arrived. */
  | { readonly do: 'arrive'; readonly target: Target; readonly well: boolean }
  /** The wall clock is set, or the machine slept. */
  | { readonly do: 'step wall'; readonly ms: number }
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

export interface RatePlan {
  readonly starts: number
  readonly intervalMs: number
}

/** The bounds of a key. */
export interface KeyPlan {
  readonly concurrency?: number
  readonly queueCapacity?: number
  readonly rateLimit?: RatePlan
}

export interface Setup {
  readonly concurrency: number
  readonly queueCapacity: number
  readonly waiterCapacity?: number
  readonly weightCapacity?: number
  readonly taskTimeoutMs?: number
  readonly queueTimeoutMs?: number
  readonly retry?: Retry
  readonly rateLimit?: RatePlan
  readonly perKey?: KeyPlan
  /** `perKey` is a function that gives these in turn, whatever the key is. */
  readonly ownBounds?: readonly KeyPlan[]
  /** Some tasks have a retention of their own. */
  readonly ownRetention?: boolean
  readonly retention: { readonly count: number; readonly ms: number }
  readonly stuckAfterMs: number
  /** Tasks that wait for their own pool are told so. */
  readonly detectSelfWait?: boolean
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

/** Any kind of plan. */
export interface PlainPlan {
  readonly setup: unknown
  readonly operations: readonly unknown[]
  readonly reactions: readonly unknown[]
}

/** A plan as one reads it: the setup, then one line for each operation. */
export function describePlan({ setup, operations, reactions }: PlainPlan): string {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, part) => (part === Number.POSITIVE_INFINITY ? 'Infinity' : part))
  return [
    `setup ${text(setup)}`,
    ...operations.map((operation, i) => `${String(i + 1).padStart(3)}. ${text(operation)}`),
    ...reactions.map((reaction) => `  on ${text(reaction)}`)
  ].join('\n')
}
