import type { Feed, Stream } from '../../src/dashboard/feed.js'
import type { Snapshot } from '../../src/dashboard/snapshot.js'

/** A reader of a stream that takes each piece at once, until it leaves. */
export class Reader<S = Snapshot> {
  readonly pieces: string[] = []
  isOver = false
  readonly #left = new AbortController()
  readonly #stream: Stream
  readonly #iterator: AsyncIterator<string>

  constructor(feed: Feed) {
    this.#stream = feed.open(this.#left.signal)
    this.#iterator = this.#stream.body[Symbol.asyncIterator]()
  }

  get isCut(): boolean {
    return this.#stream.signal.aborted
  }

  async take(): Promise<void> {
    const { done, value } = await this.#iterator.next()
    if (done === true) this.isOver = true
    else this.pieces.push(value)
  }

  async takeAll(): Promise<void> {
    while (!this.isOver) await this.take()
  }

  leave(): void {
    this.#left.abort()
  }

  /** The data of its events. */
  get snapshots(): S[] {
    return this.pieces
      .map((piece) => /^data: (.*)\n\n$/m.exec(piece)?.[1])
      .filter((data) => data !== undefined)
      .map((data) => JSON.parse(data) as S)
  }

  get newest(): S {
    return this.snapshots.at(-1)!
  }
}
