import type { TaskRecord } from '../../contract/task-record.js'
import { textOf } from './record-text.js'

/** Servers keep times in whole seconds, and a value of less than two may be gone at once. */
const MIN_TTL_MS = 2_000
/** memcached takes a longer time for a date. */
const MAX_TTL_MS = 30 * 24 * 60 * 60 * 1_000

/** A record on its way to the server, and after that: as text, made when it is first written. */
export class Entry {
  readonly id: string
  readonly revision: number
  readonly #queuedAt: string
  /** How often the server has refused it while it answered otherwise. */
  refusals = 0
  readonly #expiresAt: number
  #record: TaskRecord | undefined
  #text = ''

  constructor(record: TaskRecord, expiresAt: number) {
    this.id = record.id
    this.revision = record.revision
    this.#queuedAt = record.queuedAt
    this.#record = record
    this.#expiresAt = expiresAt
  }

  /** The text, of at most `maxBytes`. */
  text(maxBytes: number): string {
    if (this.#record !== undefined) this.#text = textOf(this.#record, maxBytes)
    this.#record = undefined
    return this.#text
  }

  /** Characters of the text; 0 before it is made. */
  get length(): number {
    return this.#text.length
  }

  /** Whether this one is newer than a record of the same task. Another task may get the id of one that was forgotten. */
  isNewerThan({ queuedAt, revision }: TaskRecord): boolean {
    return queuedAt === this.#queuedAt && revision < this.revision
  }

  isExpired(now: number): boolean {
    return now >= this.#expiresAt
  }

  /** The time that is left, in whole seconds. */
  ttlMs(now: number): number {
    const seconds = Math.ceil((this.#expiresAt - now) / 1_000)
    return Math.min(Math.max(seconds * 1_000, MIN_TTL_MS), MAX_TTL_MS)
  }
}
