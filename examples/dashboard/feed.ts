import { Failures, snapshotOf, Throughput, type WatchedPool } from './snapshot.js'

/** Time as far as the feed needs it. */
export interface FeedClock {
  /** Milliseconds of a clock that is never set back. */
  now(): number
  /** Calls back every `ms`, until the returned function is called. */
  every(ms: number, then: () => void): () => void
}

const systemClock: FeedClock = {
  now: () => performance.now(),
  every: (ms, then) => {
    const timer = setInterval(then, ms)
    return () => clearInterval(timer)
  }
}

/** Four times a second. */
const TICK_MS = 250

/** A stream without news still says something, so that a connection that broke is noticed. */
const COMMENT_MS = 15_000

/** So long a reader may take for one event. */
const MAX_DRAIN_MS = 30_000

const RETRY_MS = 2_000

/** How soon a page comes back for which there was no stream. */
const OVER_LIMIT_RETRY_MS = 5_000

const MAX_READERS = 20

interface Reader {
  /** When it was given its last event, while it has not asked for the next; else `undefined`. */
  givenAt: number | undefined
  readonly cut: AbortController
  /** Lets it go on: something may have changed, or all is over. */
  wake: () => void
}

/** A body to be streamed, and the signal to cut its connection. */
export interface Stream {
  readonly body: AsyncIterable<string>
  readonly signal: AbortSignal
}

/**
 * What a pool is doing, as server-sent events. One snapshot is made at each tick for all readers, and there are ticks only
 * while somebody reads; a slow reader gets the newest one next. Ends when the pool has stopped.
 */
export class Feed {
  readonly #pool: WatchedPool
  readonly #clock: FeedClock
  readonly #throughput = new Throughput()
  readonly #failures: Failures
  readonly #readers = new Set<Reader>()
  #newest = ''
  #isOver = false
  #stopTicking = (): void => {}

  constructor(pool: WatchedPool, clock: FeedClock = systemClock) {
    this.#pool = pool
    this.#clock = clock
    this.#failures = new Failures(pool)
  }

  /** How many read it now. */
  get readers(): number {
    return this.#readers.size
  }

  /** A stream that counts from its first piece on, until `left` aborts or it is left. */
  open(left: AbortSignal): Stream {
    const cut = new AbortController()
    return { body: this.#pieces(left, cut), signal: cut.signal }
  }

  async *#pieces(left: AbortSignal, cut: AbortController): AsyncGenerator<string, void, undefined> {
    if (left.aborted) return
    if (this.#readers.size >= MAX_READERS) {
      this.#look()
      return yield event(this.#newest, OVER_LIMIT_RETRY_MS)
    }
    const reader: Reader = { givenAt: undefined, cut, wake: () => {} }
    const leave = (): void => this.#leave(reader)
    left.addEventListener('abort', leave)
    this.#join(reader)
    try {
      let told = this.#newest
      let toldAt = this.#clock.now()
      yield* this.#give(reader, event(told, RETRY_MS))
      while (!(this.#isOver && told === this.#newest)) {
        if (told === this.#newest) await this.#tick(reader)
        if (!this.#readers.has(reader)) return
        const now = this.#clock.now()
        if (told !== this.#newest) {
          told = this.#newest
          toldAt = now
          yield* this.#give(reader, event(told))
        } else if (now - toldAt >= COMMENT_MS) {
          toldAt = now
          yield* this.#give(reader, ':\n\n')
        }
      }
    } finally {
      left.removeEventListener('abort', leave)
      leave()
    }
  }

  *#give(reader: Reader, piece: string): Generator<string, void, undefined> {
    reader.givenAt = this.#clock.now()
    yield piece
    reader.givenAt = undefined
  }

  #tick(reader: Reader): Promise<void> {
    if (this.#isOver || !this.#readers.has(reader)) return Promise.resolve()
    return new Promise((resolve) => {
      reader.wake = resolve
    })
  }

  #join(reader: Reader): void {
    this.#readers.add(reader)
    if (this.#readers.size === 1) {
      this.#throughput.forget()
      this.#stopTicking = this.#clock.every(TICK_MS, () => this.#onTick())
    }
    this.#look()
  }

  #leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return
    if (this.#readers.size === 0) this.#stopTicking()
    reader.wake()
  }

  #onTick(): void {
    this.#look()
    const now = this.#clock.now()
    for (const reader of this.#readers) {
      if (reader.givenAt !== undefined && now - reader.givenAt >= MAX_DRAIN_MS) {
        reader.cut.abort()
        this.#leave(reader)
      } else reader.wake()
    }
  }

  #look(): void {
    const { state, totals } = this.#pool.stats()
    this.#isOver = state === 'stopped'
    this.#throughput.look(this.#clock.now(), totals)
    this.#newest = JSON.stringify(snapshotOf(this.#pool, this.#throughput.perSecond(), this.#failures.recent()))
  }
}

/** JSON has no line breaks outside its strings and none inside them: it is one line of data. */
function event(data: string, retryMs?: number): string {
  return `${retryMs === undefined ? '' : `retry: ${retryMs}\n`}data: ${data}\n\n`
}
