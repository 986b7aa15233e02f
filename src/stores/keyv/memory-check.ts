import type { MirrorClock } from './options.js'
import type { Server } from './server.js'

/** Longer than the time between two checks, so that the value does not expire by itself. */
const TTL_MS = 60_000

/**
 * Finds out whether the server answers, and whether it still has what was written: it has lost its memory when a value of
 * ours has gone. The value is rewritten by each check.
 */
export class MemoryCheck {
  readonly #server: Server
  readonly #key: string

  constructor(server: Server, clock: MirrorClock) {
    this.#server = server
    this.#key = `mirror:${Buffer.from(clock.randomBytes(12)).toString('base64url')}`
  }

  /**
   * Whether the server lacks the value of the last check. True at the first check.
   *
   * @throws StoreError when the server does not answer
   */
  async hasForgotten(): Promise<boolean> {
    const value = await this.#server.get(this.#key)
    await this.#server.set(this.#key, 'here', TTL_MS)
    return value === undefined
  }

  /** Removes the value. */
  end(): Promise<void> {
    return this.#server.delete(this.#key)
  }
}
