import { AsyncLocalStorage } from 'node:async_hooks'
import { type AsyncContext, captureContext } from '../task/async-context.js'
import { AttemptContext } from '../task/task-context.js'

/** Inside which attempt of each pool a call is made. */
type Inside = ReadonlyMap<SelfWait, AttemptContext>

/**
 * One for all pools, made by the first that asks: each storage that was ever used slows every promise of the process on
 * some Node lines, also when its pool is gone.
 */
let inside: AsyncLocalStorage<Inside> | undefined

/** Knows inside which attempt of its pool a call is made, so that a task that waits for itself can be told. */
export class SelfWait {
  readonly #inside: AsyncLocalStorage<Inside>

  constructor() {
    inside ??= new AsyncLocalStorage()
    this.#inside = inside
  }

  /** A context, that of now if there is none, with the attempt marked as the one inside. */
  enter(context: AsyncContext | null, attempt: AttemptContext): AsyncContext {
    const mark = (): AsyncContext => {
      const running = [...(this.#inside.getStore() ?? [])].filter(([, outer]) => !AttemptContext.hasEnded(outer))
      return this.#inside.run(new Map([...running, [this, attempt]]), captureContext)
    }
    return context === null ? mark() : context.runInAsyncScope(mark)
  }

  /** The attempt inside which this call is made. What an attempt that has ended left behind is inside nothing. */
  get current(): AttemptContext | undefined {
    const attempt = this.#inside.getStore()?.get(this)
    return attempt === undefined || AttemptContext.hasEnded(attempt) ? undefined : attempt
  }
}
