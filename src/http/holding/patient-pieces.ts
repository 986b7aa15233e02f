import { abortController } from '../../ports/abort-controller.js'
import type { Timer } from '../../ports/clock.js'
import type { RouteClock } from '../options.js'

/** So long a reader may take for one piece. */
const MAX_DRAIN_MS = 30_000

/** What is around the pieces. */
export interface PatientParts {
  /** Aborts when the client leaves. */
  readonly client: AbortSignal
  readonly clock: RouteClock
  /** Told of an error in the making of a piece, with which they end. */
  readonly report: (error: unknown) => void
}

/**
 * Pieces of text for one reader, made when it asks for them. It asks for the next when the connection has taken the last
 * one; when that takes too long, `signal` aborts. Over when the reader returns, when its client leaves or is cut, and when
 * there are no more pieces.
 */
export class PatientPieces implements AsyncIterableIterator<string, void, undefined> {
  readonly #timer: Timer
  readonly #client: AbortSignal
  readonly #report: (error: unknown) => void
  readonly #left = new AbortController()
  readonly #cut = abortController()
  readonly #pieces: AsyncGenerator<string, void, undefined>
  readonly #end = (): void => {
    this.#client.removeEventListener('abort', this.#end)
    this.#timer.clear()
    this.#left.abort()
    void this.#pieces.return() // waits for a piece that is being made, which the abort makes short
  }

  /** @param make - makes the pieces, until its signal aborts */
  constructor(
    make: (left: AbortSignal) => AsyncGenerator<string, void, undefined>,
    { client, clock, report }: PatientParts
  ) {
    this.#timer = clock.timer(() => {
      this.#cut.abort()
      this.#end()
    })
    this.#timer.keepAlive(false) // the connection does
    this.#pieces = make(this.#left.signal)
    this.#client = client
    this.#report = report
    client.addEventListener('abort', this.#end)
    if (client.aborted) this.#end()
  }

  /** Aborts when the reader took too long. */
  get signal(): AbortSignal {
    return this.#cut.signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<string, void>> {
    this.#timer.clear()
    try {
      const piece = await this.#pieces.next()
      if (piece.done === true) this.#end()
      else if (!this.#left.signal.aborted) this.#timer.set(MAX_DRAIN_MS)
      return piece
    } catch (error) {
      this.#end()
      this.#report(error)
      throw error
    }
  }

  return(): Promise<IteratorResult<string, void>> {
    this.#end()
    return Promise.resolve({ value: undefined, done: true })
  }
}
