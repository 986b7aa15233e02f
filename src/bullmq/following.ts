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

/**
 * The records of a task: the present one, then each newer one, up to the terminal one. Ends when the task is forgotten; throws
 * what the first read throws, and the signal's reason.
 */
export async function* follow(
  { channel, read }: Followed,
  channels: Channels,
  clock: Pick<Clock, 'timer'>,
  signal: AbortSignal
): AsyncGenerator<TaskRecord, void, undefined> {
  const news = new News(clock, signal)
  const leave = channels.listen(channel, () => news.came())
  try {
    signal.throwIfAborted()
    let seen = await read()
    while (seen !== undefined) {
      yield seen
      if (FINAL.has(seen.state)) return
      seen = await newer(seen, news, read)
    }
  } finally {
    leave()
    news.close()
  }
}

async function newer(
  seen: TaskRecord,
  news: News,
  read: () => Promise<TaskRecord | undefined>
): Promise<TaskRecord | undefined> {
  for (;;) {
    await news.wait()
    const record = await read().catch(() => seen) // Redis is away: it is asked again
    if (record === undefined || record.revision > seen.revision) return record
  }
}

/** Waits for news, for the interval, or for the signal. */
class News {
  readonly #timer: ReturnType<Clock['timer']>
  readonly #signal: AbortSignal
  readonly #onAbort = (): void => this.came()
  #isThere = false
  #wake = (): void => {}

  constructor(clock: Pick<Clock, 'timer'>, signal: AbortSignal) {
    this.#timer = clock.timer(this.#onAbort)
    this.#timer.keepAlive(false) // the connection does
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort)
  }

  came(): void {
    this.#isThere = true
    this.#wake()
  }

  /** @throws the signal's reason */
  async wait(): Promise<void> {
    if (!this.#isThere) {
      this.#timer.set(INTERVAL_MS)
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
      this.#timer.clear()
    }
    this.#isThere = false
    this.#signal.throwIfAborted()
  }

  close(): void {
    this.#timer.clear()
    this.#signal.removeEventListener('abort', this.#onAbort)
  }
}
