import type { plays } from './plays/plays.mjs'
import type { works } from './work/works.mjs'

/** Names of the situations. */
export type Situation = keyof typeof plays

/** Names of the task functions. */
export type Work = keyof typeof works

/** What a task function is given: plain data, since it may travel to a thread or to Redis. */
export interface Input {
  /** The level of the gate at which `hold` and `ignore` return. */
  readonly until?: number
  /** The level of the gate at which `hold` has cleaned up after an abort. */
  readonly cleanUp?: number
  /** Identifies the task. */
  readonly label?: number
  /** The file that `log` writes to. */
  readonly file?: string
}

/** What a queue is opened for. A library takes from it what it has an option for. */
export interface Wanted {
  readonly concurrency: number
  /** How many tasks may wait. */
  readonly room?: number
  /** The time limit of each task, in milliseconds. */
  readonly timeoutMs?: number
  /** Tasks have priorities. */
  readonly prioritized?: boolean
  /** A file, absent at first, that belongs to this queue and outlives the process. */
  readonly file?: string
}

/** What a play has around it. */
export interface Surroundings {
  /** The socket of a Redis, where there is one. */
  readonly redis?: string | undefined
  /** Flags of Node for a process that a play starts. */
  readonly flags?: readonly string[] | undefined
}

/** Options of a task. A library is given only those that it offers. */
export interface TaskOptions {
  readonly id?: string
  /** 0 to 9; higher first. */
  readonly priority?: number
  readonly signal?: AbortSignal
}

/** One queue of a library. What is absent is not offered by it. */
export interface Queue {
  /** Queues a task. The promise is that of its result; a refusal rejects it. */
  add(work: Work, input: Input, options?: TaskOptions): Promise<unknown>
  /** Queues a task whose result nobody looks at. Resolves when it is accepted and, where that is offered, stored. */
  forget(work: Work, input: Input, options?: TaskOptions): Promise<unknown>
  /** The number of tasks that wait, where they are not queued before `forget` resolves. */
  queued?(): number
  /** Waits for room, then queues a task. Resolves when it is accepted. */
  addWhenFree?(work: Work, input: Input): Promise<{ readonly result: Promise<unknown> }>
  /** Queues a task that can be canceled. */
  addCancelable?(work: Work, input: Input): Promise<{ readonly result: Promise<unknown>; cancel(): unknown }>
  /** Listens to the event that is closest to "a task has ended". */
  onEnd?(listener: () => never): unknown
  /** Listens to the event that reports errors of the queue itself. */
  onError?(listener: (error: Error) => void): unknown
  /** Lets accepted work end, then stops. */
  stop?(): Promise<unknown>
  /** Stops as soon as what runs has ended, and drops what is queued. */
  stopNow?(): Promise<unknown>
  /** Resolves when no stored task is left to run. */
  idle?(): Promise<unknown>
  /** The number of queued tasks that are kept for another process. */
  kept?(): Promise<number>
  /** The number of failed tasks that can be looked up. */
  failures?(): Promise<number>
  /** Releases what the queue holds, in a process that goes on. */
  end?(): Promise<unknown>
}

/** How a library plays the situations. */
export interface Library {
  readonly name: string
  /** The package that it comes from, if any. */
  readonly package?: string
  /** Needs a Redis. */
  readonly redis?: boolean
  /** How long an effect of it may take to be visible in this process, in milliseconds. */
  readonly latencyMs: number
  /** How many tasks it gets through in seconds, where the usual number would take minutes. */
  readonly most?: number
  /** The part of its interface that is used in each situation that it can play. */
  readonly uses: Readonly<Partial<Record<Situation, string>>>
  /** Of every other situation: what was looked for, in vain. */
  readonly lacks: Readonly<Partial<Record<Situation, string>>>
  open(wanted: Wanted, surroundings: Surroundings): Promise<Queue> | Queue
}

/** What was observed. */
export interface Observed {
  readonly text: string
  /** Processor time of this process for one task, in nanoseconds, where that is compared. */
  readonly cost?: number
}

/** A situation. */
export interface Play {
  /** Heading of the situation. */
  readonly title: string
  /** What is done, in one or two sentences. */
  readonly what: string
  /** Whether the observation may be that the process has ended. */
  readonly mayEndProcess?: boolean
  /** How often it is played: more than once, where a library does not do the same each time. */
  readonly runs?: number
  play(library: Library, surroundings: Surroundings): Promise<Observed>
}

/** One line of the comparison. */
export interface Finding {
  readonly situation: string
  readonly library: string
  /** What was observed; `null` when the library does not offer it. */
  readonly text: string | null
  /** The part of its interface that was used, or what was looked for. */
  readonly by: string
}

/** What the page shows. */
export interface Findings {
  /** The day, in UTC. */
  readonly date: string
  readonly node: string
  readonly versions: Readonly<Record<string, string>>
  readonly rows: readonly Finding[]
}
