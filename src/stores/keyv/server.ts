import { StoreError } from '../../contract/store-errors.js'
import type { KeyvLike } from './keyv-like.js'
import type { MirrorSettings } from './options.js'

/** A key that any mirror may write: its value proves that the server answers. */
const PROBE = 'probe'
const PROBE_TTL_MS = 60_000

/** The most operations without an answer before further ones are refused at once, but for one per time limit. */
const MAX_UNANSWERED = 256

/** What a write that was given up turned out to be. */
type Late = () => void

/**
 * The server behind a `Keyv`, with a time limit on each operation. An operation that exceeds it fails and is no longer
 * waited for; it may still reach the server.
 */
export class Server {
  readonly #keyv: KeyvLike
  readonly #reader: KeyvLike
  readonly #settings: Pick<MirrorSettings, 'timeoutMs' | 'clock'>
  #unanswered = 0
  #tryAt = Number.NEGATIVE_INFINITY

  constructor(keyv: KeyvLike, settings: Pick<MirrorSettings, 'timeoutMs' | 'clock'>) {
    this.#keyv = keyv
    this.#reader = readerOf(keyv)
    this.#settings = settings
    keyv.on('error', () => {}) // each operation reports its own
  }

  /**
   * The value of a key; `undefined` when the server says that there is none. Some adapters return the same for a server
   * that is down: then a probe tells.
   *
   * @throws StoreError when it cannot know
   */
  async get(key: string): Promise<unknown> {
    const value = await this.#read(key)
    if (value === undefined && !(await this.#answers())) throw new StoreError('The mirror cannot be read.')
    return value
  }

  /**
   * Sets the value of a key.
   *
   * @param onLate - called when the write ends after this call has thrown for lack of an answer
   * @throws StoreError when it was not set, or that is unknown
   */
  async set(key: string, text: string, ttlMs: number, onLate?: Late): Promise<void> {
    const isSet = await this.#within(() => this.#keyv.set(key, text, ttlMs), onLate)
    if (isSet === false) throw new StoreError('The mirror was not written.')
  }

  /** Deletes a key, if that can be done in time. */
  async delete(key: string): Promise<void> {
    await this.#within(() => this.#keyv.delete(key)).catch(() => {})
  }

  /** Ends the connections, if that can be done in time. */
  async disconnect(): Promise<void> {
    await this.#within(() => this.#keyv.disconnect()).catch(() => {})
  }

  #read(key: string): Promise<unknown> {
    return this.#within(() => this.#reader.get(key))
  }

  /** Whether the server returns a value that it has. */
  async #answers(): Promise<boolean> {
    if ((await this.#read(PROBE)) !== undefined) return true
    await this.set(PROBE, 'answers', PROBE_TTL_MS)
    return (await this.#read(PROBE)) !== undefined
  }

  #within<T>(operation: () => Promise<T>, onLate?: Late): Promise<T> {
    const { timeoutMs, clock } = this.#settings
    if (this.#unanswered >= MAX_UNANSWERED) {
      if (clock.now() < this.#tryAt) return Promise.reject(new StoreError('The server of the mirror does not answer.'))
      this.#tryAt = clock.now() + timeoutMs
    }
    return new Promise((resolve, reject) => {
      let isLate = false
      const timer = clock.timer(() => {
        isLate = true
        this.#unanswered++
        reject(new StoreError(`The server of the mirror did not answer within ${timeoutMs} ms.`))
      })
      const answered = (): void => {
        timer.clear()
        if (!isLate) return
        this.#unanswered--
        onLate?.()
      }
      timer.set(timeoutMs)
      attempt(operation).then(
        (value) => {
          answered()
          resolve(value)
        },
        (cause: unknown) => {
          answered()
          reject(new StoreError('The server of the mirror cannot be used.', { cause }))
        }
      )
    })
  }
}

/**
 * The same Keyv, whose reads delete nothing. `Keyv.get` deletes a value that it takes for expired, which is each absent one
 * of memcached, and each one when this clock is ahead: the record that another process writes meanwhile would go.
 */
function readerOf(keyv: KeyvLike): KeyvLike {
  return Object.create(keyv, { delete: { value: async () => false } })
}

/** The promise of an operation, also if it throws. */
async function attempt<T>(operation: () => Promise<T>): Promise<T> {
  return operation()
}
