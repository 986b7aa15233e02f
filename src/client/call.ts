import type { Verdict } from './answers.js'
import { type Answer, type Exchange, exchange, type Lost } from './exchange.js'
import type { Settings } from './options.js'
import { pause, untilAborted } from './until-aborted.js'

/** A backoff doubles up to this. */
const MAX_BACKOFF_MS = 30_000
/** So many doublings are beyond it, and before the largest number there is. */
const MAX_DOUBLINGS = 100

/** A request without what is the same for all. */
export type Question = Omit<Exchange, 'limitMs'> & { readonly heldMs?: number }

/** One call of `submit` or `poll`, from its first request to the end of its wait. */
export class Call {
  readonly settings: Settings
  readonly #ended = new AbortController()

  constructor(settings: Settings) {
    this.settings = settings
  }

  /** Aborts when the wait ends early. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  /**
   * Waits for what the call is about, but no longer than the caller does.
   *
   * @param work - goes on by itself when the wait ends early, until it sees {@link Call.signal}
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = this.settings
    const leave = (): void => this.#ended.abort(signal?.reason)
    if (signal?.aborted === true) leave()
    this.signal.throwIfAborted()
    signal?.addEventListener('abort', leave)
    try {
      return await untilAborted(work(), this.signal)
    } finally {
      signal?.removeEventListener('abort', leave)
    }
  }

  /** Tells the caller and waits until it has listened. What it throws ends the wait. */
  async tell(hear: () => unknown): Promise<void> {
    this.signal.throwIfAborted()
    try {
      await untilAborted(Promise.resolve(hear()), this.signal)
    } catch (error) {
      this.#ended.abort(error)
      throw error
    }
  }

  /** A pause, in milliseconds. */
  pause(ms: number, signal = this.signal): Promise<void> {
    return pause(ms, this.settings.clock, signal)
  }

  /** Sends one request. */
  ask(question: Question, signal = this.signal): Promise<Answer | Lost> {
    const { headers, heldMs = 0, ...rest } = question
    const { settings } = this
    return exchange(
      { ...rest, headers: { ...settings.headers, ...headers }, limitMs: heldMs + settings.requestTimeoutMs },
      settings,
      signal
    )
  }

  /**
   * Sends a request again until its answer is final: after what the server says and a random part of a backoff that
   * doubles, so that clients who were refused together do not come back together.
   *
   * @param send - sends the request; called once for each attempt
   * @param read - says what the answer means; what it throws is final
   * @param signal - ends the pauses between the attempts
   * @throws ClientError that of the last attempt, when none is left or the server asks for too long a pause
   */
  async persist<T>(
    send: () => Promise<Answer | Lost>,
    read: (answer: Answer | Lost) => Verdict<T>,
    signal = this.signal
  ): Promise<T> {
    const { attempts, backoffMs, maxRetryAfterMs, clock } = this.settings
    for (let attempt = 1; ; attempt++) {
      const verdict = read(await send())
      if ('done' in verdict) return verdict.done
      const { again, retryAfterMs = 0 } = verdict
      if (attempt === attempts || retryAfterMs > maxRetryAfterMs) throw again
      const ceiling = Math.min(backoffMs * 2 ** Math.min(attempt - 1, MAX_DOUBLINGS), MAX_BACKOFF_MS)
      await this.pause(retryAfterMs + clock.random() * ceiling, signal)
    }
  }
}
