import type { Task, TaskContext } from '../../src/index.js'
import type { ModelTask } from './model-task.js'
import type { Retry } from './plan.js'
import type { UserSignal } from './user-signal.js'

/** What a promise came to. */
export type Outcome =
  | { readonly well: true; readonly value: unknown }
  | { readonly well: false; readonly error: unknown }

/** A promise under watch. */
export class Watched {
  outcome: Outcome | undefined
  times = 0
  readonly ended: Promise<void>

  constructor(promise: Promise<unknown>) {
    this.ended = promise.then(
      (value) => this.#end({ well: true, value }),
      (error: unknown) => this.#end({ well: false, error })
    )
  }

  #end(outcome: Outcome): void {
    this.outcome = outcome
    this.times++
  }
}

/** A task in the world: what the task thinks of it, what the pool gave out for it, and what its function did. */
export class Actor {
  readonly task: ModelTask
  readonly retry: Retry | undefined
  readonly signal: UserSignal | undefined
  readonly waitSignal: UserSignal | undefined
  real: Task | undefined
  ctx: TaskContext | undefined
  /** Ends the function that waits. */
  finish: ((well: boolean) => void) | undefined
  /** Whether a function of it is on its way. */
  alive = false
  /** What the present attempt waits for, of its own pool. */
  began: Watched[] = []
  readonly events: string[] = []
  /** What was given to cancel, call by call. */
  readonly cancelReasons: unknown[] = []
  /** The promise of `queueTaskWhenFree`. */
  waiting: Watched | undefined
  /** The task that has its id already, which it was given instead. */
  joined: Actor | undefined
  refusal: unknown
  readonly results: Watched[] = []
  readonly settlements: Watched[] = []
  askedInTime = false
  askedLate = false
  /** The event that has to say that it will be called again, and what it says. */
  again: { readonly event: 'retrying' | 'snoozed'; readonly error: unknown; readonly delayMs: number } | undefined
  /** What had aborted when the first hook was asked: a hook that cancels comes too late to change that. */
  abortedBeforeHooks: { readonly aborted: ModelTask['aborted'] } | undefined
  /** Errors of its hooks that the pool has to tell. */
  hookErrors = 0
  told = 0
  failureTold = 0
  outcome:
    | { readonly to: 'succeeded' | 'failed' | 'canceled'; readonly value: unknown; readonly by?: string }
    | undefined

  constructor(
    task: ModelTask,
    retry: Retry | undefined,
    signal: UserSignal | undefined,
    waitSignal: UserSignal | undefined
  ) {
    this.task = task
    this.retry = retry
    this.signal = signal
    this.waitSignal = waitSignal
  }
}
