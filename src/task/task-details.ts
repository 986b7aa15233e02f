import { frozen, type JsonValue, type ResultRecord, type TaskProgress } from '../contract/task-record.js'
import type { TaskSettings } from '../contract/task-settings.js'
import type { Deadline } from '../waiting/deadlines.js'
import type { Stored } from './stored.js'
import type { ChangeWatcher } from './task-changes.js'

/** What few tasks have. Made when the first of it is needed. */
export class TaskDetails {
  name: string | undefined
  settings: TaskSettings | undefined
  /** Changes of the record that do not show in the task's stamps. */
  changes = 0
  /** Calls after the first. */
  retries = 0
  progress: TaskProgress | undefined
  /** Whether the record shows progress whose revision is still to come. */
  progressed = false
  cancelRequestedMs = -1
  /** When the delay with which it was queued had ended; -1 without one. */
  readyMs = -1
  /** The end of the longest wait in the queue, or of a delay. */
  deadline: Deadline | undefined
  /** How long it is retained, if not as long as the others. */
  retainMs: number | undefined
  watchers: Set<ChangeWatcher> | undefined
  result: ResultRecord | undefined
  fingerprint: string | undefined
  /** Of a task that is kept in a store. */
  stored: Stored | null = null
  /** Copies the record to the mirror. */
  publish: (() => void) | undefined
  #metadata: string | JsonValue | undefined
  #parsed = false

  /** Takes over the options of the task. */
  take(settings: TaskSettings): void {
    this.settings = settings
    this.name = settings.name
    this.retainMs = settings.retainMs
    this.fingerprint = settings.fingerprint
    this.#metadata = settings.metadata
  }

  /** Parsed at the first read, then the same frozen value for all readers. */
  get metadata(): JsonValue | undefined {
    if (!this.#parsed && this.#metadata !== undefined) {
      this.#parsed = true
      this.#metadata = frozen(this.#metadata as string)
    }
    return this.#metadata
  }

  notify(): void {
    if (this.watchers !== undefined) for (const watcher of this.watchers) watcher.onChange()
    this.publish?.()
  }

  /** Drops what only an unsettled task needs. */
  end(): void {
    this.settings = undefined
    this.deadline = undefined
  }
}
