import type { Redis, RedisOptions } from 'ioredis'
import { StoreError } from '../../contract/store-errors.js'
import { systemClock } from '../../ports/system-clock.js'
import { BatchRedis } from './batch-redis.js'
import { expected } from './expected.js'
import { reconnectOnError, untilAccepted } from './refused.js'

/** How long a command of a submitter or reader may take, in milliseconds. */
const COMMAND_MS = 2_000

/** How long a command may be without an answer before its connection counts as lost: BullMQ waits for tasks up to 10 seconds. */
const SILENCE_MS = 12_000

/** Where Redis is: the options of ioredis, or a URL. */
export type RedisAddress = RedisOptions | string

/** Makes the connections of a pool. Each has an `error` listener from the beginning. */
export class Connections {
  readonly #address: RedisAddress
  readonly #silenceMs: number
  readonly #open: BatchRedis[] = []

  constructor(address: RedisAddress, silenceMs = SILENCE_MS) {
    this.#address = address
    this.#silenceMs = silenceMs
  }

  /**
   * A connection for those who wait for an answer: a command fails at once while Redis is away, and after two seconds of
   * silence.
   *
   * @throws StoreError when Redis cannot be reached now
   */
  async impatient(): Promise<Redis> {
    const client = this.#make({
      ...{ maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: COMMAND_MS },
      reconnectOnError
    })
    try {
      await client.connect()
      return client
    } catch (cause) {
      client.close()
      throw new StoreError('Redis cannot be reached.', { cause })
    }
  }

  /** A connection for work: a command waits until Redis is back, and accepts it. Its subscriptions do not. */
  patient(): Redis {
    const client = this.#make({ maxRetriesPerRequest: null, autoResubscribe: false })
    Object.assign(client.options, untilAccepted(systemClock, client.options.retryStrategy))
    client.connect().catch(expected) // it is tried again
    return client
  }

  #make(options: RedisOptions): BatchRedis {
    const all = { ...options, socketTimeout: this.#silenceMs, lazyConnect: true }
    const client =
      typeof this.#address === 'string'
        ? new BatchRedis(this.#address, all)
        : new BatchRedis({ ...this.#address, ...all })
    client.on('error', expected)
    this.#open.push(client)
    return client
  }

  /** Closes all of them, whatever is under way. */
  close(): void {
    for (const client of this.#open) client.close()
  }
}
