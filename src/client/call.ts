import type { Verdict } from './answers.js'
import { type Answer, type Exchange, exchange, type Lost } from './exchange.js'
import type { Settings } from './options.js'
import { onAbort } from './shared-signals.js'
import { pause, untilAborted } from './until-aborted.js'

/** The largest ceiling of a backoff. */
const MAX_BACKOFF_MS = 30_000
/** Enough doublings to exceed it, and few enough for a finite number. */
const MAX_DOUBLINGS = 100

/** One request, without the parts that all requests of a call share. */
export type CallRequest = Omit<Exchange, 'limitMs'> & { readonly heldMs?: number }

/** One call of `submit` or `poll`, from its first request to the end of its wait. */
export class Call {
  readonly settings: Settings
  readonly #ended = new AbortController()

  constructor(settings: Settings) {
    this.settings = settings
  }

  /** Aborts when the call ends early. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  /**
   * Runs the call until it ends or the caller's signal aborts.
   *
   * @param work - continues after an early end, until it observes {@link Call.signal}
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = this.settings
    if (signal === undefined) return untilAborted(work(), this.signal)
    const leave = (): void => this.#ended.abort(signal.reason)
    if (signal.aborted) leave()
    this.signal.throwIfAborted()
    const unsubscribe = onAbort(signal, leave)
    try {
      return await untilAborted(work(), this.signal)
    } finally {
      unsubscribe()
    }
  }

  /** Calls a listener of the caller and waits for it. An error in it ends the call. */
  async notify(listener: () => unknown): Promise<void> {
    this.signal.throwIfAborted()
    try {
      await untilAborted(Promise.resolve(listener()), this.signal)
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
  send(request: CallRequest, signal = this.signal): Promise<Answer | Lost> {
    const { headers, heldMs = 0, ...rest } = request
    const { settings } = this
    return exchange(
      { ...rest, headers: { ...settings.headers, ...headers }, limitMs: heldMs + settings.requestTimeoutMs },
      settings,
      signal
    )
  }

  /**
   * Repeats a request until its answer is final. The pause is the server's `Retry-After` plus a random part of a backoff
   * that doubles, so that clients refused together do not return together.
   *
   * @param send - sends the request; called once for each attempt
   * @param read - interprets the answer; an error in it is final
   * @param signal - ends the pauses between the attempts
   * @throws ClientError of the last attempt, when no attempt is left or `Retry-After` exceeds `maxRetryAfterMs`
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
