import { KeyvMemcache } from '@keyv/memcache'
import { KeyvPostgres } from '@keyv/postgres'
import KeyvRedis, { createClient } from '@keyv/redis'
import { type KeyvMirror, type KeyvMirrorOptions, keyvMirror } from 'coatcheck/stores/keyv'
import { Keyv } from 'keyv'
import pg from 'pg'
import { onTestFinished } from 'vitest'

const closing = (mirror: KeyvMirror): KeyvMirror => {
  onTestFinished(() => mirror.close())
  return mirror
}

/** A connection that breaks while nobody uses it: `KeyvPostgres` has no listener for that, and the process would end. */
class QuietClient extends pg.Client {
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    try {
      return super.emit(event, ...values)
    } catch (error) {
      if (event !== 'error') throw error
      return true
    }
  }
}

/** Mirrors set up as the documentation says. */
export const redisMirror = (port: number, options?: KeyvMirrorOptions): KeyvMirror => {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, disableOfflineQueue: true })
  client.on('error', () => {})
  client.connect().catch(() => {})
  return closing(keyvMirror(new Keyv(new KeyvRedis(client, { throwOnErrors: true })), options))
}

export const memcachedMirror = (port: number, options?: KeyvMirrorOptions): KeyvMirror => {
  const store = new KeyvMemcache(`127.0.0.1:${port}`, { logger: { log: () => {} }, retries: 1 })
  onTestFinished(() => store.client.close())
  return closing(keyvMirror(new Keyv(store), options))
}

export const postgresMirror = (port: number, options?: KeyvMirrorOptions): KeyvMirror => {
  const uri = `postgresql://postgres@127.0.0.1:${port}/postgres`
  return closing(keyvMirror(new Keyv(new KeyvPostgres({ uri, Client: QuietClient })), options))
}
