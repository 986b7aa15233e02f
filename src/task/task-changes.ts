import type { TaskRecord } from '../contract/task-record.js'
import type { Signals } from '../waiting/signals.js'

/** Follows the changes of a task. */
export interface ChangeWatcher {
  onChange(): void
}

/** A task, as far as its changes are concerned. */
export interface Changing {
  readonly revision: number
  readonly isSettled: boolean
  record(): TaskRecord
  watch(watcher: ChangeWatcher): void
  unwatch(watcher: ChangeWatcher): void
}

interface Reader {
  readonly resolve: (result: IteratorResult<TaskRecord, undefined>) => void
  readonly reject: (reason: unknown) => void
}

/**
 * The records of a task as they change. Nothing is buffered for a slow reader: each read gives the present record if it
 * is newer than the last one given, or waits for the next change. The task is watched only while a read waits.
 */
export class TaskChanges implements AsyncIterableIterator<TaskRecord, undefined, undefined>, ChangeWatcher {
  readonly #task: Changing
  readonly #signals: Signals
  readonly #signal: AbortSignal | undefined
  readonly #readers: Reader[] = []
  #seen = 0
  #ended = false

  constructor(task: Changing, signals: Signals, signal: AbortSignal | undefined) {
    this.#task = task
    this.#signals = signals
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<TaskRecord, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return resolve({ value: undefined, done: true })
      if (this.#signal?.aborted) {
        this.#ended = true
        return reject(this.#signal.reason)
      }
      this.#readers.push({ resolve, reject })
      if (this.#readers.length > 1) return
      if (this.#task.revision !== this.#seen || this.#task.isSettled) return this.onChange()
      this.#watch()
    })
  }

  return(): Promise<IteratorResult<TaskRecord, undefined>> {
    this.#end()
    return Promise.resolve({ value: undefined, done: true })
  }

  /** Gives the newest record to the first read that waits. */
  onChange(): void {
    const record = this.#task.record()
    if (record.revision === this.#seen && this.#task.isSettled) return this.#end() // a stop left it as it was
    this.#seen = record.revision
    this.#readers.shift()?.resolve({ value: record, done: false })
    if (this.#task.isSettled) this.#end()
    else if (this.#readers.length === 0) this.#unwatch()
    else this.#watch()
  }

  onAbort(reason: unknown): void {
    const reader = this.#readers.shift()
    this.#end()
    reader?.reject(reason)
  }

  #end(): void {
    this.#ended = true
    this.#unwatch()
    for (const reader of this.#readers.splice(0)) reader.resolve({ value: undefined, done: true })
  }

  #watch(): void {
    if (this.#signal?.aborted) return this.onAbort(this.#signal.reason)
    this.#task.watch(this)
    if (this.#signal !== undefined) this.#signals.subscribe(this.#signal, this)
  }

  #unwatch(): void {
    this.#task.unwatch(this)
    if (this.#signal !== undefined) this.#signals.unsubscribe(this.#signal, this)
  }
}
