import { StoreError } from '../contract/store-errors.js'
import type { TaskRecord } from '../contract/task-record.js'
import type { Clock } from '../ports/clock.js'
import type { Channels } from './redis/channels.js'

/** How often a followed task is read when no message comes: the one who would send it may be gone. */
const INTERVAL_MS = 1_000

const FINAL: ReadonlySet<string> = new Set(['succeeded', 'failed', 'canceled'])

/** What following a task takes. */
export interface Followed {
  readonly channel: string
  readonly read: () => Promise<TaskRecord | undefined>
}

/** All followers in this process. */
export class Followers {
  readonly #channels: Channels
  readonly #clock: Pick<Clock, 'timer'>
  readonly #open = new Set<News>()
  #isClosed = false

  constructor(channels: Channels, clock: Pick<Clock, 'timer'>) {
    this.#channels = channels
    this.#clock = clock
  }

  /**
   * The records of a task: the present one, then each newer one, up to the terminal one. Ends when the task is forgotten;
   * throws what the first read throws, the signal's reason, and a `StoreError` when the followers are closed before.
   */
  async *follow({ channel, read }: Followed, signal: AbortSignal): AsyncGenerator<TaskRecord, void, undefined> {
    const news = new News(this.#clock, signal)
    const leave = this.#channels.listen(channel, () => news.came())
    this.#open.add(news)
    if (this.#isClosed) void news.end()
    try {
      signal.throwIfAborted()
      let seen = await read()
      while (seen !== undefined) {
        news.given()
        yield seen
        if (FINAL.has(seen.state)) return
        news.wanted()
        seen = await newer(seen, news, read)
      }
    } finally {
      this.#open.delete(news)
      leave()
      news.close()
    }
  }

  /** Each reads once more, and ends. Resolves when they have read. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#open].map((news) => news.end()))
  }
}

async function newer(
  seen: TaskRecord,
  news: News,
  read: () => Promise<TaskRecord | undefined>
): Promise<TaskRecord | undefined> {
  for (;;) {
    await news.wait()
    const { isOver } = news
    const record = await read().catch((error: unknown) => {
      if (error instanceof StoreError) return seen // Redis is away: it is asked again
      throw error
    })
    if (record === undefined || isNewer(record, seen)) return record
    if (isOver) throw new StoreError(`The pool has stopped in this process, and sees the task ${seen.id} no longer.`)
  }
}

/** A server that took over may lack the last changes: there, an end can have a lower revision than what was seen. */
function isNewer(record: TaskRecord, seen: TaskRecord): boolean {
  return record.revision > seen.revision || FINAL.has(record.state)
}

/** Waits for news, for the interval, for the signal, or for the end of all following. */
class News {
  readonly #timer: ReturnType<Clock['timer']>
  readonly #signal: AbortSignal
  readonly #onAbort = (): void => this.came()
  #isThere = false
  #isOver = false
  #isGiven = false
  #wake = (): void => {}
  #onGiven = (): void => {}

  constructor(clock: Pick<Clock, 'timer'>, signal: AbortSignal) {
    this.#timer = clock.timer(this.#onAbort)
    this.#timer.keepAlive(false) // the connection does
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort)
  }

  /** Whether no news will come any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  came(): void {
    this.#isThere = true
    this.#wake()
  }

  /** The reader of the records has the newest one. */
  given(): void {
    this.#isGiven = true
    this.#onGiven()
  }

  /** The reader wants the next one. */
  wanted(): void {
    this.#isGiven = false
  }

  /** @throws the signal's reason */
  async wait(): Promise<void> {
    if (!this.#isThere && !this.#isOver) {
      this.#timer.set(INTERVAL_MS)
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
      this.#timer.clear()
    }
    this.#isThere = false
    this.#signal.throwIfAborted()
  }

  /** No news will come any more. Resolves when the reader has what is there now. */
  async end(): Promise<void> {
    this.#isOver = true
    this.came()
    if (this.#isGiven) return
    await new Promise<void>((resolve) => {
      this.#onGiven = resolve
    })
  }

  close(): void {
    this.#timer.clear()
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#onGiven()
  }
}
