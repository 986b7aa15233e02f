import type { RetryNotice, SnoozeNotice } from '../contract/events.js'
import type { TaskProgress } from '../contract/task-record.js'
import type { Stage } from '../scheduler/lifecycle.js'

/** What readers see of a task while its newest change is being written. */
export interface Shown {
  readonly stage: Stage
  readonly revision: number
  readonly progress: TaskProgress | undefined
}

/** What a row needs once, when it is inserted. */
export interface Birth {
  readonly id: string
  readonly chosen: boolean
  readonly input: string | null
  readonly options: string | null
  readonly metadata: string | null
  readonly fingerprint: string | null
}

/** A promise that a state is on disk. */
interface Pending {
  readonly version: number
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** What a stored task has besides: its place in the store, and how much of it is on disk. */
export class Stored {
  readonly seq: number
  ord: number
  failures = 0
  crashes = 0
  /** The start that is being written, as a stamp; -1: none has been. */
  startMs = -1
  dueAt: number | null = null
  cancelAt: number | null = null
  /** JSON text of the result, for the row and the record. */
  result: string | undefined
  /** The outcome, as the row has it. */
  outcome: string | null = null
  /** Null once the row is inserted. */
  birth: Birth | null
  /** What readers see; null: the present state. */
  shown: Shown | null = null
  /** A retry, or a snooze, that is decided and not shown. */
  retry: RetryNotice | SnoozeNotice | null = null
  /** Changes so far, and how many of them are on disk. */
  version = 0
  written = 0
  /** Why it is not written any more. */
  lost: unknown
  readonly #pending: Pending[] = []

  constructor(seq: number, ord: number, birth: Birth | null) {
    this.seq = seq
    this.ord = ord
    this.birth = birth
  }

  /** Whether the present state is on disk. */
  get isClean(): boolean {
    return this.written === this.version
  }

  recorded(): Promise<void> {
    if (this.lost !== undefined) return Promise.reject(this.lost)
    if (this.isClean) return Promise.resolve()
    const last = this.#pending.at(-1)
    if (last?.version === this.version) return last.promise
    let resolve!: () => void
    let reject!: (reason: unknown) => void
    const promise = new Promise<void>((onResolve, onReject) => {
      resolve = onResolve
      reject = onReject
    })
    this.#pending.push({ version: this.version, promise, resolve, reject })
    return promise
  }

  /** The changes up to this one are on disk. */
  committed(version: number): void {
    this.written = version
    this.birth = null
    for (const { resolve } of this.#upTo(version)) resolve()
  }

  /** A write of the changes up to this one failed. */
  refused(version: number, error: unknown): void {
    for (const { reject } of this.#upTo(version)) reject(error)
  }

  #upTo(version: number): Pending[] {
    return this.#pending.splice(0, this.#pending.filter((pending) => pending.version <= version).length)
  }

  /** It will not be written any more. */
  lose(error: unknown): void {
    this.lost = error
    this.refused(Number.POSITIVE_INFINITY, error)
  }
}
