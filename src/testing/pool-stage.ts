import type { TaskContext } from '../contract/task-contract.js'
import type { JsonValue } from '../contract/task-record.js'
import { systemClock } from '../ports/system-clock.js'
import type { Awaitable } from './conformance-case.js'
import type { ConformanceHandlers, PoolUnderTest, PoolUnderTestOptions } from './pool-under-test.js'

/** How long a case waits for what must come, in milliseconds: only a broken pool takes as long. */
const PATIENCE_MS = 20_000

/** One promise of a pool. */
export type PoolBody = (stage: Stage) => Promise<void>

/** A call of a handler. */
export interface Call {
  readonly input: JsonValue
  readonly ctx: TaskContext
}

/** The handlers of a case, what they were called with, and the pools that it made. */
export class Stage {
  /** All calls, in order. */
  readonly calls: Call[] = []
  /** The highest number of calls at the same time. */
  peak = 0
  readonly #makePool: (options: PoolUnderTestOptions) => Awaitable<PoolUnderTest>
  readonly #pools: PoolUnderTest[] = []
  readonly #held = new Map<JsonValue, () => void>()
  #running = 0

  constructor(makePool: (options: PoolUnderTestOptions) => Awaitable<PoolUnderTest>) {
    this.#makePool = makePool
  }

  readonly #handlers: ConformanceHandlers = {
    echo: (input, ctx) => this.#during(input, ctx, () => input),
    fail: (input, ctx) =>
      this.#during(input, ctx, () => {
        throw Object.assign(new RangeError(`no ${String(input)}`), { code: 'E_NONE' })
      }),
    /** Fails in all attempts before the one that is its input. */
    flaky: (input, ctx) =>
      this.#during(input, ctx, () => {
        if (ctx.attempt < Number(input)) throw new Error(`attempt ${ctx.attempt}`)
        return ctx.attempt
      }),
    /** Ends when the case releases its input, or when its signal aborts. */
    hold: (input, ctx) => this.#during(input, ctx, () => this.#hold(input, ctx)),
    half: (input, ctx) =>
      this.#during(input, ctx, () => {
        ctx.progress(0.5, 'half')
        return this.#hold(input, ctx)
      })
  }

  /** Makes and starts a pool. */
  async pool(options: Omit<PoolUnderTestOptions, 'handlers'>): Promise<PoolUnderTest> {
    const pool = await this.#makePool({ ...options, handlers: this.#handlers })
    this.#pools.push(pool)
    await pool.start()
    return pool
  }

  /** Waits until handlers have been called so often. */
  called(times: number): Promise<void> {
    return this.until(`call ${times}`, () => this.calls.length >= times)
  }

  /** Waits until something holds. */
  async until(what: string, holds: () => Awaitable<boolean>): Promise<void> {
    const end = systemClock.now() + PATIENCE_MS
    while (!(await holds())) {
      if (systemClock.now() > end) throw new Error(`${what} did not come within ${PATIENCE_MS} ms`)
      await new Promise<void>((resolve) => systemClock.yield(resolve))
    }
  }

  /** Lets the held call with this input end. */
  release(input: JsonValue): void {
    this.#held.get(input)?.()
  }

  /** Lets all held calls end, and stops the pools. */
  async clear(): Promise<void> {
    for (const release of [...this.#held.values()]) release()
    for (const pool of this.#pools) await pool.stop({ graceMs: 0, forceMs: 0 })
  }

  async #during(input: JsonValue, ctx: TaskContext, run: () => Awaitable<JsonValue>): Promise<JsonValue> {
    this.calls.push({ input, ctx })
    this.#running += 1
    this.peak = Math.max(this.peak, this.#running)
    try {
      return await run()
    } finally {
      this.#running -= 1
    }
  }

  #hold(input: JsonValue, { signal }: TaskContext): Promise<JsonValue> {
    return new Promise((resolve, reject) => {
      this.#held.set(input, () => resolve(input))
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  }
}

/** Runs a case; all it made is ended whatever happens. */
export async function runOnStage(
  makePool: (options: PoolUnderTestOptions) => Awaitable<PoolUnderTest>,
  body: PoolBody
): Promise<void> {
  const stage = new Stage(makePool)
  try {
    await body(stage)
  } finally {
    await stage.clear()
  }
}

/** What a promise rejects with; an empty object if it resolves. Never rejects, so it may be awaited late. */
export const failureOf = (
  promise: Promise<unknown>
): Promise<{ readonly code?: unknown; readonly message?: unknown }> =>
  promise.then(
    () => ({}),
    (error: { readonly code?: unknown; readonly message?: unknown }) => error
  )
