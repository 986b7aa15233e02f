import { AsyncLocalStorage } from 'node:async_hooks'
import { type AsyncContext, captureContext } from '../task/async-context.js'
import { AttemptContext } from '../task/task-context.js'

/** The attempt of each pool inside which a call is made. */
type Inside = ReadonlyMap<SelfWait, AttemptContext>

/**
 * One for all pools, made when first needed: on some Node lines each storage that was ever used slows every promise of
 * the process, also when its pool is gone.
 */
let inside: AsyncLocalStorage<Inside> | undefined

/** Finds the attempt inside which a call is made, so that a task that waits for its own pool can be detected. */
export class SelfWait {
  readonly #inside: AsyncLocalStorage<Inside>

  constructor() {
    inside ??= new AsyncLocalStorage()
    this.#inside = inside
  }

  /** A context (the present one if none is given) in which calls are made inside this attempt. */
  enter(context: AsyncContext | null, attempt: AttemptContext): AsyncContext {
    const mark = (): AsyncContext => {
      const running = [...(this.#inside.getStore() ?? [])].filter(([, outer]) => !AttemptContext.hasEnded(outer))
      return this.#inside.run(new Map([...running, [this, attempt]]), captureContext)
    }
    return context === null ? mark() : context.runInAsyncScope(mark)
  }

  /** The attempt inside which this call is made; `undefined` once that has ended. */
  get current(): AttemptContext | undefined {
    const attempt = this.#inside.getStore()?.get(this)
    return attempt === undefined || AttemptContext.hasEnded(attempt) ? undefined : attempt
  }
}
