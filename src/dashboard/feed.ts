import type { Clock, Timer } from '../ports/clock.js'
import { type DashboardPool, isShared } from './dashboard-pool.js'
import { LocalView } from './local-view.js'
import { RateMeter } from './rates.js'
import { SharedView } from './shared/view.js'
import type { View } from './view.js'

/** The part of a clock that the feed uses. */
export type FeedClock = Pick<Clock, 'now' | 'timer'>

/** Four times a second. */
const TICK_MS = 250

/** A stream without news still sends something, so that a broken connection is noticed. */
const COMMENT_MS = 15_000

/** The longest time in which a reader must drain one piece. */
const MAX_DRAIN_MS = 30_000

const RETRY_MS = 2_000

/** When a page over the limit comes back. */
const OVER_LIMIT_RETRY_MS = 5_000

const MAX_READERS = 20

interface Reader {
  /** When its last event was produced, while it has not asked for the next; else `undefined`. */
  producedAt: number | undefined
  readonly tooSlow: AbortController
  /** Resumes it: something may have changed, or all is over. */
  wake: () => void
}

/** A body in pieces, and the signal to destroy its connection. */
export interface Stream {
  readonly body: AsyncIterable<string>
  readonly signal: AbortSignal
}

/**
 * The state of a pool as server-sent events. The totals are read at the end of each second from the beginning, since they
 * have no history: a second that was not measured is lost for pages that open later. All else is read only while a page is
 * open, once for all pages. A slow reader gets the newest state next. Ends when the pool has stopped. No timer keeps the
 * process alive.
 */
export class Feed {
  readonly #pool: DashboardPool
  readonly #clock: FeedClock
  readonly #meter: RateMeter
  readonly #view: View
  readonly #readers = new Set<Reader>()
  readonly #second: Timer
  readonly #tick: Timer
  #newest = ''
  #isOver = false

  constructor(pool: DashboardPool, clock: FeedClock) {
    this.#pool = pool
    this.#clock = clock
    this.#view = isShared(pool) ? new SharedView(pool, clock, () => this.#onNews()) : new LocalView(pool)
    this.#meter = new RateMeter(clock.now(), pool.stats().totals)
    this.#second = clock.timer(() => this.#measure())
    this.#tick = clock.timer(() => this.#onTick())
    this.#second.keepAlive(false)
    this.#tick.keepAlive(false)
    this.#second.set(this.#meter.dueIn(clock.now()))
  }

  /** Number of open streams. */
  get readers(): number {
    return this.#readers.size
  }

  /** A stream that counts from the read of its first piece, until `client` aborts or the reader returns. */
  open(client: AbortSignal): Stream {
    const tooSlow = new AbortController()
    return { body: this.#pieces(client, tooSlow), signal: tooSlow.signal }
  }

  async *#pieces(client: AbortSignal, tooSlow: AbortController): AsyncGenerator<string, void, undefined> {
    if (client.aborted) return
    if (this.#readers.size >= MAX_READERS) {
      this.#read()
      return yield event(this.#newest, OVER_LIMIT_RETRY_MS)
    }
    const reader: Reader = { producedAt: undefined, tooSlow, wake: () => {} }
    const leave = (): void => this.#leave(reader)
    client.addEventListener('abort', leave)
    this.#join(reader)
    try {
      let sent = this.#newest
      let sentAt = this.#clock.now()
      yield* this.#produce(reader, event(sent, RETRY_MS))
      while (!(this.#isOver && sent === this.#newest)) {
        if (sent === this.#newest) await this.#nextTick(reader)
        if (!this.#readers.has(reader)) return
        const now = this.#clock.now()
        if (sent !== this.#newest) {
          sent = this.#newest
          sentAt = now
          yield* this.#produce(reader, event(sent))
        } else if (now - sentAt >= COMMENT_MS) {
          sentAt = now
          yield* this.#produce(reader, ':\n\n')
        }
      }
    } finally {
      client.removeEventListener('abort', leave)
      leave()
    }
  }

  *#produce(reader: Reader, piece: string): Generator<string, void, undefined> {
    reader.producedAt = this.#clock.now()
    yield piece
    reader.producedAt = undefined
  }

  #nextTick(reader: Reader): Promise<void> {
    if (!this.#readers.has(reader)) return Promise.resolve()
    return new Promise((resolve) => {
      reader.wake = resolve
    })
  }

  #join(reader: Reader): void {
    this.#readers.add(reader)
    if (this.#readers.size === 1) this.#tick.set(TICK_MS)
    this.#read()
  }

  #leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return
    if (this.#readers.size === 0) {
      this.#tick.clear()
      this.#view.forget()
    }
    reader.wake()
  }

  #onTick(): void {
    this.#tick.set(TICK_MS)
    this.#read()
    const now = this.#clock.now()
    for (const reader of this.#readers) {
      if (reader.producedAt !== undefined && now - reader.producedAt >= MAX_DRAIN_MS) {
        reader.tooSlow.abort()
        this.#leave(reader)
      } else reader.wake()
    }
  }

  /** The store of a shared pool has answered, or failed to. */
  #onNews(): void {
    if (this.#readers.size === 0) return this.#view.forget()
    this.#read()
    for (const reader of this.#readers) reader.wake()
  }

  #measure(): void {
    const { state, totals } = this.#pool.stats()
    this.#meter.read(this.#clock.now(), totals)
    if (state !== 'stopped') this.#second.set(this.#meter.dueIn(this.#clock.now()))
  }

  #read(): void {
    const snapshot = this.#view.snapshot(this.#meter)
    this.#isOver = snapshot.state === 'stopped'
    this.#newest = JSON.stringify(snapshot)
  }
}

/** The data is one line: JSON has no line breaks outside its strings, and none inside them. */
function event(data: string, retryMs?: number): string {
  return `${retryMs === undefined ? '' : `retry: ${retryMs}\n`}data: ${data}\n\n`
}
