import type { TaskMirror } from '../../contract/store.js'
import type { TaskRecord } from '../../contract/task-record.js'
import type { KeyvLike } from './keyv-like.js'
import { checkMirrorOptions, type KeyvMirrorOptions, requireKeyv } from './options.js'
import { keyOf, recordOf } from './record-text.js'
import { Server } from './server.js'
import { Writer, type WriterStats } from './writer.js'

/** How long `close` writes what is waiting. */
const FLUSH_MS = 2_000

/** Counters of a {@link KeyvMirror}. */
export interface KeyvMirrorStats extends WriterStats {}

/** A {@link TaskMirror} with counters. */
export interface KeyvMirror extends TaskMirror {
  /** The counters. */
  stats(): KeyvMirrorStats
}

/**
 * Makes a mirror of a Keyv: the status of a pool's tasks where other processes can read it, in Redis, memcached, PostgreSQL
 * or any other server that Keyv has an adapter for.
 *
 * Best effort, for readers only. Of each task the newest record is written, one write per task at a time. While the server
 * is down or silent records wait, the newest of each task, and are written when it answers again; those written before are
 * written again if it came back empty. A mirror may forget: a server that drops values, more records than `maxWaiting`, and
 * the end of the process within an outage lose some until their task changes next.
 *
 * No method of a mirror throws because of the server, but for `read`, which rejects when it cannot know. Each operation has
 * a time limit. `close()` writes what is waiting for at most two seconds and disconnects the Keyv. No timer keeps the
 * process alive.
 *
 * @param keyv - the Keyv, of version 5. It gets a listener of `error`
 * @param options - checked once, by this call
 * @throws TypeError or RangeError that names the wrong or unknown option
 *
 * @example
 * ```ts
 * import KeyvRedis, { createClient } from '@keyv/redis'
 * import { keyvMirror } from 'coatcheck/stores/keyv'
 * import { Keyv } from 'keyv'
 *
 * const client = createClient({ url: 'redis://127.0.0.1:6379', disableOfflineQueue: true })
 * client.on('error', () => {}) // it reconnects by itself
 * client.connect().catch(() => {})
 *
 * export const mirror = keyvMirror(new Keyv(new KeyvRedis(client, { throwOnErrors: true })))
 * ```
 */
export function keyvMirror(keyv: KeyvLike, options: KeyvMirrorOptions = {}): KeyvMirror {
  requireKeyv(keyv)
  const settings = checkMirrorOptions(options)
  const server = new Server(keyv, settings)
  const writer = new Writer(server, settings)
  let closed: Promise<void> | undefined

  const close = async (): Promise<void> => {
    await writer.close(FLUSH_MS)
    await server.disconnect()
  }

  return {
    publish: (record, ttlMs) => writer.publish(record, ttlMs),
    read: async (id): Promise<TaskRecord | undefined> => {
      const value = await server.get(keyOf(id))
      return value === undefined ? undefined : recordOf(id, value)
    },
    close: () => {
      closed ??= close()
      return closed
    },
    stats: () => writer.stats()
  }
}
