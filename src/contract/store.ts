import type { TaskRecord, TaskState } from './task-record.js'

/**
 * What a task may change in a store, as one row: its present state, never a log of changes. Times are whole milliseconds
 * since 1970.
 */
export interface StoredChange {
  /** Number of the task: unique in the store, in the order of acceptance. */
  readonly seq: number
  /** State of the task. */
  readonly state: TaskState
  /** Priority of the task. */
  readonly priority: number
  /** Place among the unfinished tasks: a retry gets a new one. */
  readonly ord: number
  /** Number of calls of the function. */
  readonly attempt: number
  /** Number of attempts that failed; what `retry.attempts` counts. */
  readonly failures: number
  /** Revision of the record. */
  readonly revision: number
  /** How often the process ended while the task ran. */
  readonly crashes: number
  /** Time of the first call. */
  readonly startedAt: number | null
  /** Time before which the next attempt does not start. */
  readonly dueAt: number | null
  /** Time of the first cancel request. */
  readonly cancelAt: number | null
  /** Time of the end. */
  readonly settledAt: number | null
  /** Outcome and progress, as JSON text that only the pool reads. */
  readonly outcome: string | null
}

/** A task in a store: what never changes, and what may. */
export interface StoredTask extends StoredChange {
  /** The ticket. */
  readonly id: string
  /** Whether the ticket was chosen by the caller. A generated one contains `seq`, encrypted by the store's `secret`. */
  readonly chosen: boolean
  /** Name of the handler. */
  readonly name: string
  /** Client, tenant or resource that the task belongs to. */
  readonly key: string | null
  /** Time of acceptance. */
  readonly queuedAt: number
  /** The input, as JSON text; null when there is none, or the task has ended. */
  readonly input: string | null
  /** The task's own options, as JSON text that only the pool reads. */
  readonly options: string | null
  /** The task's metadata, as JSON text. */
  readonly metadata: string | null
  /** Fingerprint of the request that queued the task, given as an option. */
  readonly fingerprint: string | null
}

/** Rows that are written together. */
export interface StoreBatch {
  /** New tasks. One that is in the store already, since the batch is repeated, is replaced. */
  readonly insert: readonly StoredTask[]
  /** Tasks that changed. A row that has ended is never changed to another end, and never back. */
  readonly update: readonly StoredChange[]
  /** `seq` of tasks to remove, because their insert failed or they were forgotten; they may be absent. */
  readonly remove: readonly number[]
}

/**
 * A durable store of tasks, opened and owned by one process. A store serves one pool: it is given to its constructor.
 *
 * `coatcheck/stores/sqlite` is one; the conformance suite in `coatcheck/testing` is for authors of others.
 */
export interface OpenStore {
  /** Tasks that had not ended when the store was opened, by `ord`. Read once, when the pool is made. */
  readonly unfinished: readonly StoredTask[]

  /** The newest tasks that had ended, oldest first. Read once, when the pool is made. */
  readonly finished: readonly StoredTask[]

  /** The highest `seq` and `ord` ever given; 0 in a new store. */
  readonly lastSeq: number

  /** 32 random bytes as base64url, made once per store: tickets and idempotency keys are derived from it. */
  readonly secret: string

  /**
   * Writes all of a batch or nothing. When it returns, or its promise resolves, the batch is on disk. The pool calls it
   * again only after it has ended, and may repeat a batch, or a larger one with the same rows, after an error. An empty
   * batch must write something all the same: it asks whether the disk works.
   *
   * @throws an error whose property `inDoubt` is true if the batch may be on disk all the same
   */
  write(batch: StoreBatch): void | Promise<void>

  /**
   * The task with this ticket, also one that ended long ago.
   *
   * @throws when it cannot know
   */
  get(id: string): StoredTask | undefined | Promise<StoredTask | undefined>

  /** Closes the store and gives up its ownership, whatever the disk does. */
  close(): void | Promise<void>
}

/**
 * A copy of the status of tasks where other processes can read it: best effort, for readers only. The pool never reads
 * its own mirror but for tickets it does not know.
 *
 * `coatcheck/stores/keyv` is one.
 */
export interface TaskMirror {
  /**
   * Takes a record to be published. Returns at once and never throws; of several records of one task the one with the
   * highest revision stays.
   *
   * @param ttlMs - how long a reader may find it, from now, in milliseconds
   */
  publish(record: TaskRecord, ttlMs: number): void

  /**
   * The record that was published last, by any process.
   *
   * @throws StoreError when it cannot know
   */
  read(id: string): Promise<TaskRecord | undefined>

  /** Publishes what is waiting, for a bounded time, and disconnects. */
  close(): Promise<void>
}
