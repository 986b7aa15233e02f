import type { StoreBatch, StoredChange, StoredTask } from '../contract/store.js'
import { systemClock } from '../ports/system-clock.js'
import { TicketCipher } from '../ports/ticket-cipher.js'
import { changeMistake, insertMistake, isEnded } from './row-rules.js'

const SECRET_BYTES = 32

/** A store broke or was asked to break a rule of the port: a mistake of the pool, not of the disk. */
export class StoreProtocolError extends Error {
  /** Always `StoreProtocolError`. */
  override readonly name = 'StoreProtocolError'
}

/**
 * What a {@link MemoryStore} writes on: rows in memory that outlive the store, as a file outlives a process. Open the
 * next store with `memoryStore({ disk })`.
 */
export class MemoryDisk {
  /** 32 random bytes as base64url: the same for all stores that are opened on this disk. */
  readonly secret = Buffer.from(systemClock.randomBytes(SECRET_BYTES)).toString('base64url')
  readonly #cipher = new TicketCipher(this.secret, systemClock.randomBytes)
  #rows = new Map<number, StoredTask>()
  /** `seq` of each ticket. */
  #seqs = new Map<string, number>()
  #lastSeq = 0
  #inUse = false

  /** The highest `seq` and `ord` ever written. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Whether a store is open on this disk. */
  get inUse(): boolean {
    return this.#inUse
  }

  /** Copies of all rows, by `seq`. */
  tasks(): readonly StoredTask[] {
    return [...this.#rows.values()].sort((a, b) => a.seq - b.seq)
  }

  /** A copy of the row with this ticket. */
  task(id: string): StoredTask | undefined {
    const seq = this.#seqs.get(id)
    return seq === undefined ? undefined : this.#rows.get(seq)
  }

  /**
   * Takes the disk for one store.
   *
   * @throws an error with the code `ERR_STORE_IN_USE` while another one has it
   * @internal
   */
  lock(): void {
    if (this.#inUse) {
      const message = 'A memory store is open on this disk already: close or kill it first.'
      throw Object.assign(new Error(message), { code: 'ERR_STORE_IN_USE' })
    }
    this.#inUse = true
  }

  /** @internal */
  unlock(): void {
    this.#inUse = false
  }

  /**
   * Writes all of a batch.
   *
   * @throws StoreProtocolError if the batch breaks a rule of the port; nothing is written then
   * @internal
   */
  write(batch: StoreBatch): void {
    const before = new Map<number, StoredTask | undefined>()
    try {
      for (const row of eachOnce(batch.insert)) this.#insert(row, before)
      for (const change of eachOnce(batch.update)) this.#update(change, before)
      for (const seq of batch.remove) this.#set(seq, undefined, before)
    } catch (error) {
      for (const [seq, row] of before) this.#set(seq, row)
      throw error
    }
    for (const { seq, ord } of [...batch.insert, ...batch.update]) this.#lastSeq = Math.max(this.#lastSeq, seq, ord)
  }

  #insert(row: StoredTask, before: Map<number, StoredTask | undefined>): void {
    const mistake = insertMistake(row, this.#rows.get(row.seq))
    if (mistake !== undefined) throw new StoreProtocolError(mistake)
    if (!row.chosen && this.#cipher.open(row.id) !== row.seq) {
      throw new StoreProtocolError(`The ticket of task ${row.seq} was not chosen and does not contain its number.`)
    }
    const other = this.task(row.id)
    if (other !== undefined && other.seq !== row.seq) {
      if (!isEnded(other))
        throw new StoreProtocolError(`Tasks ${other.seq}, unfinished, and ${row.seq} share a ticket.`)
      this.#set(other.seq, undefined, before)
    }
    this.#set(row.seq, kept(row), before)
  }

  #update(change: StoredChange, before: Map<number, StoredTask | undefined>): void {
    const stored = this.#rows.get(change.seq)
    if (stored === undefined) throw new StoreProtocolError(`Task ${change.seq} changed and is not in the store.`)
    const mistake = changeMistake(change, stored)
    if (mistake !== undefined) throw new StoreProtocolError(mistake)
    this.#set(change.seq, kept({ ...stored, ...changesOf(change) }), before)
  }

  /** Replaces or removes a row. `before` gets what was there when the batch began. */
  #set(seq: number, row: StoredTask | undefined, before?: Map<number, StoredTask | undefined>): void {
    const stored = this.#rows.get(seq)
    if (before !== undefined && !before.has(seq)) before.set(seq, stored)
    if (stored !== undefined) {
      this.#rows.delete(seq)
      if (this.#seqs.get(stored.id) === seq) this.#seqs.delete(stored.id)
    }
    if (row === undefined) return
    this.#rows.set(seq, row)
    this.#seqs.set(row.id, seq)
  }
}

function* eachOnce<T extends StoredChange>(rows: readonly T[]): Generator<T> {
  const seqs = new Set<number>()
  for (const row of rows) {
    if (seqs.has(row.seq)) throw new StoreProtocolError(`Task ${row.seq} is in the batch twice.`)
    seqs.add(row.seq)
    yield row
  }
}

/** The columns of a change alone, whatever else the object has. */
const changesOf = (change: StoredChange): StoredChange => {
  const { seq, state, priority, ord, attempt, failures, revision, crashes } = change
  const { startedAt, dueAt, cancelAt, settledAt, outcome } = change
  const times = { startedAt, dueAt, cancelAt, settledAt }
  return { seq, state, priority, ord, attempt, failures, revision, crashes, ...times, outcome }
}

/** A frozen copy. A task that has ended is not called again: its input goes. */
const kept = (row: StoredTask): StoredTask => Object.freeze(isEnded(row) ? { ...row, input: null } : { ...row })
