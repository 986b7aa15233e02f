import { StoreError } from 'coatcheck'
import type { KeyvMirror, KeyvMirrorOptions } from 'coatcheck/stores/keyv'
import { describe, expect, it } from 'vitest'
import { memcachedMirror, postgresMirror, redisMirror } from './support/mirrors.js'
import { record, TTL_MS } from './support/records.js'
import {
  freePort,
  hasMemcached,
  hasPostgres,
  hasRedis,
  memcachedServer,
  postgresServer,
  type RealServer,
  redisServer
} from './support/servers.js'

interface Kind {
  readonly name: string
  readonly isInstalled: boolean
  readonly server: () => Promise<RealServer>
  readonly mirror: (port: number, options?: KeyvMirrorOptions) => KeyvMirror
  readonly keepsData: boolean
}

const KINDS: readonly Kind[] = [
  { name: 'Redis', isInstalled: hasRedis, server: redisServer, mirror: redisMirror, keepsData: false },
  { name: 'memcached', isInstalled: hasMemcached, server: memcachedServer, mirror: memcachedMirror, keepsData: false },
  { name: 'PostgreSQL', isInstalled: hasPostgres, server: postgresServer, mirror: postgresMirror, keepsData: true }
]

/** More than one time limit, far less than forever: what hangs takes 120 seconds. */
const SOON_MS = 2_500

const soon = async <T>(promise: Promise<T>): Promise<T> => {
  const startedAt = performance.now()
  try {
    return await promise
  } finally {
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS)
  }
}

/** Waits until everything is written. A `close` in this process would end the connections of all `KeyvPostgres`. */
const written = (mirror: KeyvMirror) =>
  expect.poll(() => mirror.stats()).toMatchObject({ waiting: 0, writing: 0, failing: false })

for (const { name, isInstalled, server: start, mirror: open, keepsData } of KINDS) {
  describe.skipIf(!isInstalled)(`a mirror in ${name}`, () => {
    it('shows a record to another process, and knows what is absent', async () => {
      const { port } = await start()
      const [writer, reader] = [open(port), open(port)]
      const published = record('a', {
        state: 'succeeded',
        revision: 3,
        result: { text: ':base64:x "\\ \u2028 \u0000 é 😀', toJSON: 1 },
        metadata: [':', null]
      })
      writer.publish(published, TTL_MS)
      await expect.poll(() => reader.read('a').catch(() => 'no answer')).toEqual(published)
      expect(await reader.read('b')).toBeUndefined()
    })

    it('keeps the newest record, whatever the order', async () => {
      const { port } = await start()
      const [writer, reader] = [open(port), open(port)]
      for (const revision of [2, 5, 3]) writer.publish(record('a', { revision }), TTL_MS)
      await expect.poll(() => writer.stats()).toMatchObject({ waiting: 0, writing: 0 })
      writer.publish(record('a', { revision: 4 }), TTL_MS)
      await written(writer)
      expect(await reader.read('a')).toMatchObject({ revision: 5 })
    })

    it('writes a record that is too large without its result', async () => {
      const { port } = await start()
      const [writer, reader] = [open(port), open(port)]
      writer.publish(record('a', { state: 'succeeded', result: '"\\'.repeat(300_000) }), TTL_MS)
      await written(writer)
      const seen = await reader.read('a')
      expect(seen).toMatchObject({ state: 'succeeded', resultOmitted: expect.any(String) })
      expect(seen).not.toHaveProperty('result')
    })

    it('cannot know while the server is down, says so soon, and catches up when it comes back', async () => {
      const server = await start()
      const mirror = open(server.port)
      mirror.publish(record('quiet'), TTL_MS)
      await expect.poll(() => mirror.read('quiet').catch(() => undefined)).toMatchObject({ revision: 1 })
      await expect.poll(() => mirror.stats().failing).toBe(false)
      await server.kill()
      await expect(soon(mirror.read('quiet'))).rejects.toThrow(StoreError)
      await expect(soon(mirror.read('unknown'))).rejects.toThrow(StoreError)
      for (let revision = 1; revision <= 20; revision++) mirror.publish(record('busy', { revision }), TTL_MS)
      await expect.poll(() => mirror.stats()).toMatchObject({ failing: true, waiting: 1 })
      await server.start()
      const read = (id: string) => mirror.read(id).catch(() => 'no answer')
      await expect.poll(() => read('busy'), { timeout: 60_000 }).toMatchObject({ revision: 20 })
      await expect.poll(() => read('quiet'), { timeout: 60_000 }).toMatchObject({ revision: 1 })
      expect(mirror.stats()).toMatchObject({ failing: false, dropped: 0 })
    })

    it('cannot know while the server is silent, says so soon, and goes on when it answers', async () => {
      const server = await start()
      const mirror = open(server.port)
      mirror.publish(record('a'), TTL_MS)
      await expect.poll(() => mirror.read('a').catch(() => undefined)).toMatchObject({ revision: 1 })
      await server.freeze()
      await expect(soon(mirror.read('a'))).rejects.toThrow(StoreError)
      await expect(soon(mirror.read('unknown'))).rejects.toThrow(StoreError)
      mirror.publish(record('a', { revision: 2 }), TTL_MS)
      await expect.poll(() => mirror.stats()).toMatchObject({ failing: true, waiting: 1 })
      mirror.publish(record('a', { revision: 3 }), TTL_MS)
      server.thaw()
      await expect
        .poll(() => mirror.stats(), { timeout: 60_000 })
        .toMatchObject({ waiting: 0, writing: 0, dropped: 0, failing: false })
      // A write that was given up may come after it: then it is written again.
      await expect.poll(() => mirror.read('a').catch(() => 'no answer')).toMatchObject({ revision: 3 })
    })

    it.skipIf(keepsData)('finds out by itself that the server came back empty', async () => {
      const server = await start()
      const mirror = open(server.port)
      for (let n = 0; n < 100; n++) mirror.publish(record(`quiet-${n}`), TTL_MS)
      await expect.poll(() => mirror.read('quiet-99').catch(() => undefined)).toMatchObject({ revision: 1 })
      await expect.poll(() => mirror.stats()).toMatchObject({ retained: 100, waiting: 0 })
      await server.kill()
      await server.start()
      const read = (n: number) => mirror.read(`quiet-${n}`).catch(() => 'no answer')
      for (const n of [0, 50, 99]) {
        await expect.poll(() => read(n), { timeout: 60_000, interval: 200 }).toMatchObject({ revision: 1 })
      }
    })

    it('says that it cannot know when the server was never there, and closes in bounded time', async () => {
      const mirror = open(await freePort())
      mirror.publish(record('a'), TTL_MS)
      await expect(soon(mirror.read('a'))).rejects.toThrow(StoreError)
      await expect.poll(() => mirror.stats().failing).toBe(true)
      const startedAt = performance.now()
      await mirror.close()
      expect(performance.now() - startedAt).toBeLessThan(5_000)
      expect(mirror.stats()).toMatchObject({ waiting: 0, dropped: 1 })
    })
  })
}
