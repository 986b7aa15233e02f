import type { TaskCount } from '../../contract/reports.js'

/** The most ids in a report. */
const MAX_IDS = 1_000

/** Counts tasks and lists the first of them. */
export class Tally {
  #count = 0
  readonly #ids: string[] = []

  add(id: string): void {
    this.#count++
    if (this.#ids.length < MAX_IDS) this.#ids.push(id)
  }

  toCount(): TaskCount {
    return { count: this.#count, ids: this.#ids }
  }
}

/** What the report of a stop needs to know. */
export class StopTally {
  /** Tasks whose end was decided here. */
  decided = 0
  /** Tasks whose end Redis has. */
  succeeded = 0
  failed = 0
  canceled = 0
  readonly aborted = new Tally()
  readonly interrupted = new Tally()
  readonly left = new Tally()
}
