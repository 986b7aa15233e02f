import type { OpenStore, StoreBatch, StoredTask } from '../contract/store.js'
import { MemoryDisk, StoreProtocolError } from './memory-disk.js'
import { isEnded } from './row-rules.js'
import { errorOf, type StoreFailure, StoreFailures } from './store-failures.js'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * The disk to open. A disk has one open store at a time.
   *
   * @defaultValue a new one
   */
  readonly disk?: MemoryDisk | undefined
  /**
   * Whether operations are done when they return, without a promise. Such a store cannot be slow.
   *
   * @defaultValue false
   */
  readonly sync?: boolean | undefined
}

/** What a {@link MemoryStore} has done since it was opened. */
export interface MemoryStoreStats {
  /** Calls of `write`. */
  readonly writes: number
  /** Batches that reached the disk. */
  readonly commits: number
  /** Of these, batches without rows. */
  readonly empty: number
  /** Calls of `write` that failed as planned. */
  readonly failed: number
  /** Rows inserted. */
  readonly inserted: number
  /** Rows updated. */
  readonly updated: number
  /** Rows removed. */
  readonly removed: number
  /** Calls of `get`. */
  readonly gets: number
}

/**
 * A store in memory for tests. It keeps every promise of the port, on a {@link MemoryDisk} that outlives it; and it can be
 * slow, fail and be killed when the test says so. It checks the pool's side of the port: a second write before the first
 * has ended, a write after `close`, or a row that breaks a rule throws a {@link StoreProtocolError}, which also stands in
 * `violations`.
 */
export class MemoryStore implements OpenStore {
  readonly unfinished: readonly StoredTask[]
  readonly finished: readonly StoredTask[]
  readonly lastSeq: number
  readonly secret: string
  /** The disk. Give it to the next store. */
  readonly disk: MemoryDisk
  /** Resolves when the store is killed. */
  readonly killed: Promise<void>
  /** What the pool did wrong, in order. A test expects none. */
  readonly violations: StoreProtocolError[] = []

  readonly #sync: boolean
  readonly #failures = new StoreFailures()
  #kill: { commit: number; when: 'before' | 'after' } | undefined
  #state: 'open' | 'closed' | 'killed' = 'open'
  #onKilled!: () => void
  #writing = false
  #holding = false
  /** Lets the waiting write go on. */
  #go: (() => void) | undefined
  readonly #counts = { writes: 0, commits: 0, empty: 0, failed: 0, inserted: 0, updated: 0, removed: 0, gets: 0 }

  /** @internal */
  constructor({ disk = new MemoryDisk(), sync = false }: MemoryStoreOptions) {
    disk.lock()
    this.disk = disk
    this.#sync = sync
    this.killed = new Promise((resolve) => {
      this.#onKilled = resolve
    })
    const rows = disk.tasks()
    this.unfinished = rows.filter((row) => !isEnded(row)).sort((a, b) => a.ord - b.ord)
    this.finished = rows.filter(isEnded).sort((a, b) => Number(a.settledAt) - Number(b.settledAt))
    this.lastSeq = disk.lastSeq
    this.secret = disk.secret
  }

  /** Whether a write waits for {@link MemoryStore.release}. */
  get isWaiting(): boolean {
    return this.#go !== undefined
  }

  /** A copy of the counters. */
  stats(): MemoryStoreStats {
    return { ...this.#counts }
  }

  write(batch: StoreBatch): void | Promise<void> {
    if (this.#state === 'killed') return never()
    if (this.#state === 'closed') throw this.#violation('write was called after close.')
    if (this.#writing) throw this.#violation('write was called before the last write had ended.')
    this.#counts.writes += 1
    const copy = { insert: [...batch.insert], update: [...batch.update], remove: [...batch.remove] }
    const commit = this.#counts.writes
    if (this.#sync) return this.#commit(copy, commit)
    this.#writing = true
    return this.#commitLater(copy, commit)
  }

  get(id: string): StoredTask | undefined | Promise<StoredTask | undefined> {
    if (this.#state === 'killed') return never()
    this.#counts.gets += 1
    if (this.#sync) return this.#get(id)
    return Promise.resolve().then(() => this.#get(id))
  }

  close(): void | Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    this.disk.unlock()
    this.#go?.()
    const failure = this.#failures.next('close')
    if (failure === undefined) return
    if (this.#sync) throw errorOf(failure, 'close')
    return Promise.reject(errorOf(failure, 'close'))
  }

  /** Writes wait from now on. The batch of a write is fixed when it is called. */
  hold(): void {
    if (this.#sync) throw new TypeError('A store that writes synchronously cannot be slow.')
    this.#holding = true
  }

  /** Writes wait no longer; the waiting one goes on. */
  release(): void {
    this.#holding = false
    this.#go?.()
  }

  /** Lets the waiting write go on; the next one waits. */
  releaseOne(): void {
    this.#go?.()
  }

  /**
   * Plans failures of the next operations.
   *
   * @param count - how many
   * @throws TypeError when a write that is `applied` is not to be `inDoubt`
   */
  failNext(failure: StoreFailure = {}, count = 1): void {
    this.#failures.plan(failure, count)
  }

  /** Plans the failure of each operation until {@link MemoryStore.recover}. */
  failAlways(failure: StoreFailure = {}): void {
    this.#failures.plan(failure, Number.POSITIVE_INFINITY)
  }

  /** Drops all planned failures. */
  recover(): void {
    this.#failures.forget()
  }

  /**
   * Kills the store at a write: nothing more reaches the disk, and no promise of the store settles from then on. The
   * disk can be opened again, as after the end of a process.
   *
   * @param commit - which `write`, counted from the opening of the store: 1 is the first
   * @param when - whether that batch reaches the disk
   */
  killAt(commit: number, when: 'before' | 'after'): void {
    this.#kill = { commit, when }
  }

  /** Kills the store now. A write that waits does not reach the disk. */
  kill(): void {
    if (this.#state !== 'open') return
    this.#state = 'killed'
    this.disk.unlock()
    this.#onKilled()
  }

  async #commitLater(batch: StoreBatch, commit: number): Promise<void> {
    if (this.#holding) await this.#released()
    try {
      await this.#commit(batch, commit)
    } finally {
      this.#writing = false
    }
  }

  #released(): Promise<void> {
    return new Promise((resolve) => {
      this.#go = () => {
        this.#go = undefined
        resolve()
      }
    })
  }

  #commit(batch: StoreBatch, commit: number): void | Promise<void> {
    const when = this.#kill?.commit === commit ? this.#kill.when : undefined
    if (when === 'before') this.kill()
    if (this.#state === 'killed') return never()
    if (this.#state === 'closed') throw Object.assign(new Error('The store was closed.'), { inDoubt: false })
    const failure = this.#failures.next('write')
    if (failure === undefined || failure.applied === true) this.#apply(batch)
    if (when === 'after') {
      this.kill()
      return never()
    }
    if (failure === undefined) return
    this.#counts.failed += 1
    throw errorOf(failure, 'write')
  }

  #apply(batch: StoreBatch): void {
    try {
      this.disk.write(batch)
    } catch (error) {
      if (error instanceof StoreProtocolError) this.violations.push(error)
      throw error
    }
    const { insert, update, remove } = batch
    this.#counts.commits += 1
    if (insert.length + update.length + remove.length === 0) this.#counts.empty += 1
    this.#counts.inserted += insert.length
    this.#counts.updated += update.length
    this.#counts.removed += remove.length
  }

  #get(id: string): StoredTask | undefined {
    if (this.#state === 'closed') throw new Error('The store was closed.')
    const failure = this.#failures.next('get')
    if (failure !== undefined) throw errorOf(failure, 'get')
    return this.disk.task(id)
  }

  #violation(message: string): StoreProtocolError {
    const error = new StoreProtocolError(message)
    this.violations.push(error)
    return error
  }
}

/**
 * Opens a {@link MemoryStore}.
 *
 * @throws an error with the code `ERR_STORE_IN_USE` while another store is open on the disk
 *
 * @example
 * ```ts
 * import { memoryStore } from 'coatcheck/testing'
 *
 * const store = memoryStore()
 * store.killAt(2, 'before')
 * // … a pool uses it until `await store.killed`
 * const afterRestart = memoryStore({ disk: store.disk })
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new MemoryStore(options)
}

const never = (): Promise<never> => new Promise(() => {})
