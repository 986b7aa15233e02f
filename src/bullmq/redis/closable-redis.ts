import { Redis, type RedisOptions } from 'ioredis'

/** A property of ioredis. */
const TIMER = 'socketTimeoutTimer'

/**
 * A connection that can be closed for good, with those that BullMQ has made after its model: one that BullMQ waits on would be
 * made again later, and keep the process alive.
 */
export class ClosableRedis extends Redis {
  readonly #copies: ClosableRedis[] = []
  #isClosed = false

  constructor(address: string | RedisOptions, options: RedisOptions = {}) {
    super(address as string, options) // ioredis takes either
    this.on('close', () => this.#endSilence())
  }

  override duplicate(override?: Partial<RedisOptions>): Redis {
    const copy = new ClosableRedis({ ...this.options, ...override })
    this.#copies.push(copy)
    return copy
  }

  override connect(...args: Parameters<Redis['connect']>): Promise<void> {
    return this.#isClosed ? Promise.reject(new Error('Connection is closed.')) : super.connect(...args)
  }

  /** Ends the connection, whatever is under way. */
  close(): void {
    this.#isClosed = true
    this.disconnect()
    for (const copy of this.#copies) copy.close()
  }

  /** Ends the timer of `socketTimeout`: ioredis lets that of a lost connection end the next one. */
  #endSilence(): void {
    const timer = Reflect.get(this, TIMER) as NodeJS.Timeout | undefined
    timer?.close()
    Reflect.set(this, TIMER, undefined)
  }
}
