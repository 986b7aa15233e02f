import { abortController } from '../../ports/abort-controller.js'
import type { Timer } from '../../ports/clock.js'
import type { Hooks } from '../wire/hooks.js'
import type { RouteClock } from './followers.js'

/** The longest time in which a reader must drain one piece. */
const MAX_DRAIN_MS = 30_000

/** The parts that a text stream uses. */
export interface TextStreamParts {
  /** Aborts when the client leaves. */
  readonly client: AbortSignal
  readonly clock: RouteClock
  readonly hooks: Hooks
}

/**
 * A stream of text for one reader. Each piece is produced when the reader asks for it, which it does when the connection
 * has drained the last one; when that takes too long, `signal` aborts. The stream ends with its last piece, with an error
 * (reported to `onError`), when the reader returns, and when the client leaves or is too slow.
 */
export class TextStream implements AsyncIterableIterator<string, void, undefined> {
  readonly #timer: Timer
  readonly #client: AbortSignal
  readonly #hooks: Hooks
  readonly #ended = new AbortController()
  readonly #tooSlow = abortController()
  readonly #pieces: AsyncGenerator<string, void, undefined>
  readonly #end = (): void => {
    this.#client.removeEventListener('abort', this.#end)
    this.#timer.clear()
    this.#ended.abort()
    void this.#pieces.return() // takes effect after the piece in production, which the abort shortens
  }

  /** @param make - produces the pieces until its signal aborts */
  constructor(
    make: (ended: AbortSignal) => AsyncGenerator<string, void, undefined>,
    { client, clock, hooks }: TextStreamParts
  ) {
    this.#timer = clock.timer(() => {
      this.#tooSlow.abort()
      this.#end()
    })
    this.#timer.keepAlive(false) // the connection keeps the process alive
    this.#pieces = make(this.#ended.signal)
    this.#client = client
    this.#hooks = hooks
    client.addEventListener('abort', this.#end)
    if (client.aborted) this.#end()
  }

  /** Aborts when the reader was too slow. */
  get signal(): AbortSignal {
    return this.#tooSlow.signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<string, void>> {
    this.#timer.clear()
    try {
      const piece = await this.#pieces.next()
      if (piece.done === true) this.#end()
      else if (!this.#ended.signal.aborted) this.#timer.set(MAX_DRAIN_MS)
      return piece
    } catch (error) {
      this.#end()
      this.#hooks.report(error)
      throw error
    }
  }

  return(): Promise<IteratorResult<string, void>> {
    this.#end()
    return Promise.resolve({ value: undefined, done: true })
  }
}
