import type { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Connections } from '../../src/bullmq/redis/connect.js'
import { isExpected } from '../../src/bullmq/redis/expected.js'
import { connectionTo, hasRedis, shared } from './support/pools.js'
import { proxyTo } from './support/proxy.js'

/** Connections through something that can swallow all that they carry. */
const behind = async (silenceMs = 300) => {
  const { server, redis } = await shared()
  const proxy = await proxyTo(server.port)
  const connections = new Connections({ ...connectionTo(server), port: proxy.port }, silenceMs)
  onTestFinished(() => connections.close())
  return { connections, proxy, redis }
}

const idOf = (client: Redis): Promise<number> => client.client('ID')

describe.skipIf(!hasRedis)('a connection that carries nothing any more', () => {
  it('is made anew for those who work: what they wait for is asked again', async () => {
    const { connections, proxy } = await behind()
    const worker = connections.patient()
    const errors: unknown[] = []
    worker.on('error', (error) => errors.push(error))
    const before = await idOf(worker)
    proxy.swallow()
    expect(await idOf(worker)).not.toBe(before)
    expect(errors).toHaveLength(1)
    expect(errors.every(isExpected)).toBe(true)
  })

  it('is made anew for those who queue and read', async () => {
    const { connections, proxy } = await behind()
    const producer = await connections.impatient()
    const before = await idOf(producer)
    proxy.swallow()
    const next = await new Promise<number>((resolve) => {
      producer.once('ready', () => resolve(idOf(producer)))
      producer.ping().catch(() => {})
    })
    expect(next).not.toBe(before)
  })

  it('is not one that nobody has asked anything', async () => {
    const { connections, redis } = await behind()
    const [listener, idle] = [connections.patient(), connections.patient()]
    const ids = [await idOf(listener), await idOf(idle)]
    await listener.subscribe('news')
    await redis.blpop('nothing comes', 1) // longer than the silence
    expect(await redis.call('CLIENT', 'LIST', 'TYPE', 'pubsub')).toContain(`id=${ids[0]} `)
    expect(await idOf(idle)).toBe(ids[1])
  })

  it('is not the one that follows a connection which was lost in the middle of a command', async () => {
    const { connections, proxy, redis } = await behind(1_000)
    const worker = connections.patient()
    await worker.ping()
    const made = async () => Number(/total_connections_received:(\d+)/.exec(await redis.info('stats'))?.[1])
    const before = await made()
    const waiting = worker.blpop('nothing comes', 0.4)
    await expect.poll(() => redis.info('clients')).toContain('blocked_clients:1')
    proxy.cut()
    await waiting
    await redis.blpop('nothing comes', 1.2) // longer than the silence
    await worker.ping()
    expect(await made()).toBe(before + 1)
  })
})
