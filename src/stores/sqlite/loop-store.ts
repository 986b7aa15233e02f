import type { OpenStore, StoreBatch, StoredTask } from '../../contract/store.js'
import { StoreError } from '../../contract/store-errors.js'
import type { SqliteDriver } from './file/driver.js'
import { taskOf } from './file/rows.js'
import { type FileSettings, TaskFile } from './file/task-file.js'

/** A store whose file is written on the thread of the caller: a write returns when it is on disk. */
export class LoopStore implements OpenStore {
  readonly unfinished: readonly StoredTask[]
  readonly finished: readonly StoredTask[]
  readonly lastSeq: number
  readonly secret: string
  readonly #path: string
  readonly #release: () => void
  #file: TaskFile | undefined

  /** @param release - called when the file is closed */
  constructor(driver: SqliteDriver, settings: FileSettings, release: () => void) {
    this.#file = TaskFile.open(driver, settings)
    this.#path = settings.path
    this.#release = release
    const { unfinished, finished, lastSeq, secret } = this.#file.load()
    this.unfinished = unfinished.map(taskOf)
    this.finished = finished.map(taskOf)
    this.lastSeq = lastSeq
    this.secret = secret
  }

  write(batch: StoreBatch): void {
    this.#open().write(batch)
  }

  get(id: string): StoredTask | undefined {
    return this.#open().get(id)
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
    this.#release()
  }

  #open(): TaskFile {
    if (this.#file === undefined) throw new StoreError(`The store ${this.#path} is closed.`)
    return this.#file
  }
}
