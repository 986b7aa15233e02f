import type { OpenStore, StoreBatch, StoredTask } from '../../../contract/store.js'
import { StoreError } from '../../../contract/store-errors.js'
import { describeError } from '../../../contract/task-record.js'
import { taskOf } from '../file/rows.js'
import type { FileContent } from '../file/task-file.js'
import { FileThread } from './file-thread.js'
import type { Request, ThreadSettings } from './messages.js'

/** A store whose file is written in a thread of its own: the event loop does not wait for the disk. */
export class ThreadStore implements OpenStore {
  readonly unfinished: readonly StoredTask[]
  readonly finished: readonly StoredTask[]
  readonly lastSeq: number
  readonly secret: string
  readonly #settings: ThreadSettings
  readonly #release: () => void
  #thread: Promise<FileThread>
  #closed: Promise<void> | undefined

  private constructor(settings: ThreadSettings, thread: FileThread, content: FileContent, release: () => void) {
    this.#settings = settings
    this.#thread = Promise.resolve(thread)
    this.#release = release
    this.unfinished = content.unfinished.map(taskOf)
    this.finished = content.finished.map(taskOf)
    this.lastSeq = content.lastSeq
    this.secret = content.secret
  }

  /** @param release - called when the file is closed */
  static async open(settings: Omit<ThreadSettings, 'load'>, release: () => void): Promise<ThreadStore> {
    const { thread, content } = await FileThread.open({ ...settings, load: true })
    return new ThreadStore({ ...settings, load: false }, thread, content as FileContent, release)
  }

  async write(batch: StoreBatch): Promise<void> {
    await this.#ask({ do: 'write', batch })
  }

  async get(id: string): Promise<StoredTask | undefined> {
    return (await this.#ask({ do: 'get', id })) as StoredTask | undefined
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #end(): Promise<void> {
    const thread = await this.#thread.catch(() => undefined)
    await thread?.close()
    this.#release()
  }

  async #ask(request: Request): Promise<unknown> {
    if (this.#closed !== undefined) throw new StoreError(`The store ${this.#settings.path} is closed.`)
    return (await this.#living()).call(request)
  }

  /** The thread, or a new one if it has ended: what it had committed is in the file. */
  async #living(): Promise<FileThread> {
    const present = this.#thread
    const thread = await present.catch(() => undefined)
    if (thread?.isAlive) return thread
    if (this.#thread === present) this.#thread = this.#reopen()
    return this.#thread
  }

  async #reopen(): Promise<FileThread> {
    try {
      return (await FileThread.open(this.#settings)).thread
    } catch (cause) {
      const { message } = describeError(cause)
      throw new StoreError(`The thread of the store has ended, and another could not open the file: ${message}`, {
        cause
      })
    }
  }
}
