import type { TaskRecord } from '../../contract/task-record.js'
import type { Timer } from '../../ports/clock.js'
import { Entry } from './entry.js'
import { MemoryCheck } from './memory-check.js'
import type { MirrorSettings } from './options.js'
import { keyOf } from './record-text.js'
import type { Server } from './server.js'
import { WrittenEntries } from './written-entries.js'

/** Time until the next attempt after a failure. It doubles. */
const MIN_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 5_000

/** How often a server that works is asked whether it still has what was written. */
const CHECK_MS = 5_000

/** How often a record is refused by a server that answers before it is given up. */
const MAX_REFUSALS = 3

/** Counters of a writer. */
export interface WriterStats {
  /** Records that wait to be written. */
  readonly waiting: number
  /** Writes under way. */
  readonly writing: number
  /** Records that are written again when the server has lost its memory. */
  readonly retained: number
  /** Records that were written. */
  readonly written: number
  /** Records that were not written: too many waited, the server refused them, or the mirror was closed. */
  readonly dropped: number
  /** Whether the last operation failed: nothing is written until the server answers again. */
  readonly failing: boolean
}

/**
 * Writes the newest record of each task: one write per task at a time, some in all. After a failure nothing is written
 * until the server answers a small check, so that a silent server holds a few operations, not all of them.
 *
 * ```
 *  publish ──► waiting ──► writing ──► written, retained
 *                 ▲  ▲         │ failed         │ the server has lost its memory
 *                 │  └─────────┘                │
 *                 └─────────────────────────────┘
 * ```
 */
export class Writer {
  readonly #server: Server
  readonly #settings: MirrorSettings
  readonly #memory: MemoryCheck
  /** The oldest first. */
  readonly #waiting = new Map<string, Entry>()
  readonly #writing = new Set<string>()
  readonly #retained: WrittenEntries
  readonly #timer: Timer
  #written = 0
  #dropped = 0
  #isFailing = false
  #backoffMs = MIN_BACKOFF_MS
  #isChecking = false
  /** Whether the time of the next check is set. */
  #isTimed = false
  #isScheduled = false
  #isClosed = false
  #onIdle = (): void => {}

  constructor(server: Server, settings: MirrorSettings) {
    const { clock, maxWaiting } = settings
    this.#server = server
    this.#settings = settings
    this.#memory = new MemoryCheck(server, clock)
    this.#retained = new WrittenEntries(maxWaiting)
    this.#timer = clock.timer(() => {
      this.#isTimed = false
      void this.#check()
    })
    this.#timer.keepAlive(false)
  }

  stats(): WriterStats {
    return {
      waiting: this.#waiting.size,
      writing: this.#writing.size,
      retained: this.#retained.size,
      written: this.#written,
      dropped: this.#dropped,
      failing: this.#isFailing
    }
  }

  publish(record: TaskRecord, ttlMs: number): void {
    if (this.#isClosed || !(ttlMs > 0)) return
    const known = this.#waiting.get(record.id) ?? this.#retained.get(record.id)
    if (known?.isNewerThan(record)) return
    this.#add(new Entry(record, this.#settings.clock.now() + ttlMs))
    this.#schedule()
  }

  /** Writes what waits, for at most `limitMs`. What is left then is dropped. */
  async close(limitMs: number): Promise<void> {
    this.#isClosed = true
    const deadline = this.#settings.clock.timer(() => this.#onIdle())
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
    deadline.set(limitMs)
    this.#timer.keepAlive(true)
    if (this.#isFailing) this.#checkIn(0)
    this.#pump()
    await idle
    deadline.clear()
    this.#timer.clear()
    this.#dropped += this.#waiting.size
    this.#waiting.clear()
    if (!this.#isFailing) await this.#memory.end()
  }

  /** At the end of the waiting entries; one of the same task keeps its place. */
  #add(entry: Entry): void {
    this.#waiting.set(entry.id, entry)
    if (this.#waiting.size <= this.#settings.maxWaiting) return
    for (const id of this.#waiting.keys()) {
      this.#waiting.delete(id)
      this.#dropped++
      return
    }
  }

  /** Later in this turn of the event loop more changes of the same task may follow. */
  #schedule(): void {
    if (this.#isScheduled || this.#isFailing) return
    this.#isScheduled = true
    this.#settings.clock.yield(() => {
      this.#isScheduled = false
      this.#pump()
    })
  }

  #pump(): void {
    for (const entry of this.#waiting.values()) {
      if (this.#isFailing || this.#writing.size >= this.#settings.parallel) break
      if (!this.#writing.has(entry.id)) void this.#write(entry)
    }
    if (this.#isClosed && this.#waiting.size + this.#writing.size === 0) this.#onIdle()
  }

  async #write(entry: Entry): Promise<void> {
    const { id } = entry
    const now = this.#settings.clock.now()
    this.#waiting.delete(id)
    if (entry.isExpired(now)) return
    this.#writing.add(id)
    try {
      const text = entry.text(this.#settings.maxBytes)
      await this.#server.set(keyOf(id), text, entry.ttlMs(now), () => this.#repeat(entry))
      this.#written++
      this.#retained.add(entry)
      if (!this.#isTimed && !this.#isChecking) this.#checkIn(0)
    } catch {
      this.#putBack(entry)
      if (!this.#isFailing) this.#fail()
    }
    this.#writing.delete(id)
    this.#pump()
  }

  #putBack(entry: Entry): void {
    if (this.#waiting.has(entry.id)) return // a newer one
    entry.refusals++
    if (entry.refusals > MAX_REFUSALS) this.#dropped++
    else this.#add(entry)
  }

  /** A write that was given up has ended. It may have replaced a newer record: that is written again. */
  #repeat(late: Entry): void {
    const newest = this.#retained.get(late.id)
    if (newest === undefined || newest === late || this.#waiting.has(late.id)) return
    this.#add(newest)
    this.#schedule()
  }

  #fail(): void {
    this.#isFailing = true
    this.#checkIn(this.#backoffMs)
  }

  #checkIn(delayMs: number): void {
    this.#isTimed = true
    this.#timer.set(delayMs)
  }

  async #check(): Promise<void> {
    if (this.#isChecking) return
    this.#isChecking = true
    const retained = this.#retained.unexpired(this.#settings.clock.now())
    try {
      const hasForgotten = await this.#memory.hasForgotten()
      this.#isFailing = false
      this.#backoffMs = MIN_BACKOFF_MS
      if (hasForgotten) this.#writeAgain(retained)
      if (retained.length > 0) this.#checkIn(CHECK_MS)
    } catch {
      for (const entry of this.#waiting.values()) entry.refusals = 0 // it was an outage
      this.#fail()
      this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS)
    }
    this.#isChecking = false
    this.#pump()
  }

  #writeAgain(retained: readonly Entry[]): void {
    for (const entry of retained) {
      if (this.#waiting.size >= this.#settings.maxWaiting) return
      if (!this.#waiting.has(entry.id) && !this.#writing.has(entry.id)) this.#waiting.set(entry.id, entry)
    }
  }
}
