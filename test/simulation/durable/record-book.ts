import { type StoredTask, StoreError, type Task, type TaskRecord } from '../../../src/index.js'

/** A promise that was not kept. */
export class Broken extends Error {}

export function must(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Broken(message())
}

const isEnd = (state: string): boolean => state === 'succeeded' || state === 'failed' || state === 'canceled'

/** What clients were told, and what functions did. It outlives every process, as a log on another machine does. */
export class RecordBook {
  /** Tickets whose `recorded` resolved. */
  readonly #acknowledged = new Set<string>()
  /** Ends that were shown. */
  readonly #ends = new Map<string, TaskRecord>()
  /** The last revision that was shown. */
  readonly #revisions = new Map<string, number>()
  readonly #calls = new Map<string, Set<number>>()

  acknowledge(id: string): void {
    this.#acknowledged.add(id)
  }

  /** A task was accepted. Its ticket may have been that of one that has ended. */
  reuse(id: string): void {
    this.#acknowledged.delete(id)
    this.#ends.delete(id)
    this.#revisions.delete(id)
    this.#calls.delete(id)
  }

  /** A task that has ended was forgotten. */
  forget(id: string): void {
    this.#acknowledged.delete(id)
    this.#ends.delete(id)
  }

  call(id: string, attempt: number): void {
    must(!this.#ends.has(id), () => `${id} was called after its end was shown`)
    const calls = this.#calls.get(id) ?? new Set()
    this.#calls.set(id, calls)
    must(!calls.has(attempt), () => `${id} was called twice as attempt ${attempt}`)
    must(attempt > Math.max(0, ...calls), () => `attempt ${attempt} of ${id} follows ${[...calls]}`)
    calls.add(attempt)
  }

  /** An attempt that does not count. */
  snoozed(id: string, attempt: number): void {
    this.#calls.get(id)?.delete(attempt)
  }

  /** A record was read. */
  read(record: TaskRecord): void {
    const { id, revision, state } = record
    const last = this.#revisions.get(id) ?? 0
    must(revision >= last, () => `the revision of ${id} went from ${last} to ${revision}`)
    this.#revisions.set(id, revision)
    const end = this.#ends.get(id)
    if (end === undefined) return
    must(end.state === state && end.revision === revision, () => `${id} was ${end.state}, and is ${state} again`)
  }

  end(task: Task): void {
    const record = task.record()
    this.read(record)
    if (task.error instanceof StoreError) {
      must(record.startedAt === undefined, () => `${task.id} was given up and had been called`)
      must(!this.#acknowledged.has(task.id), () => `${task.id} was recorded, and given up`)
      return
    }
    must(!this.#ends.has(task.id), () => `${task.id} ended twice`)
    this.#ends.set(task.id, record)
  }

  /** A stop said that the end could not be written. */
  unrecord(id: string): void {
    this.#ends.delete(id)
    this.#revisions.delete(id)
  }

  /** What is on disk now, whatever happens next. */
  compare(rows: readonly StoredTask[]): void {
    const byId = new Map(rows.map((row) => [row.id, row]))
    for (const id of this.#acknowledged) must(byId.has(id), () => `${id} was recorded, and is lost`)
    for (const [id, { state, revision, settledAt }] of this.#ends) {
      const row = byId.get(id)
      const shown = `${state} ${revision} ${Date.parse(settledAt as string)}`
      const stored = row && `${row.state} ${row.revision} ${row.settledAt}`
      must(stored === shown, () => `${id} was shown as ${shown}, and is ${stored} on disk`)
    }
    for (const [id, calls] of this.#calls) {
      const row = byId.get(id)
      if (row === undefined) continue
      const most = Math.max(0, ...calls)
      must(row.attempt >= most, () => `${id} was called as attempt ${most}, and the disk has ${row.attempt}`)
    }
  }

  /** Nothing is acknowledged and left undone. */
  compareAtTheEnd(rows: readonly StoredTask[]): void {
    this.compare(rows)
    for (const { id, state } of rows) must(isEnd(state), () => `${id} is ${state} for ever`)
  }

  /**
   * A look-up begins.
   *
   * @returns the check of what it finds: nothing older than what was known by now
   */
  lookUp(id: string): (record: TaskRecord | undefined) => void {
    const isAcknowledged = this.#acknowledged.has(id)
    const revision = this.#revisions.get(id) ?? 0
    const end = this.#ends.get(id)
    return (record) => {
      if (record === undefined) return must(!isAcknowledged, () => `${id} was recorded, and is not found`)
      must(record.revision >= revision, () => `${id} was found as revision ${record.revision}, and was ${revision}`)
      must(end === undefined || end.state === record.state, () => `${id} was ${end?.state}, and is ${record.state}`)
    }
  }
}
