import type { Redis } from 'ioredis'
import { ClosableRedis } from './closable-redis.js'

/**
 * A connection that writes all commands of one turn at once: answers come many at a time, and each leads to the next command.
 * A write is a call of the operating system, which costs more than the command.
 */
export class BatchRedis extends ClosableRedis {
  #corked: Redis['stream'] | undefined

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    this.#cork()
    return super.sendCommand(...args)
  }

  #cork(): void {
    const stream = this.stream as Redis['stream'] | undefined // there is none before the first connection
    if (stream === undefined || stream === this.#corked) return
    stream.cork()
    this.#corked = stream
    process.nextTick(() => {
      this.#corked = undefined
      stream.uncork()
    })
  }
}
