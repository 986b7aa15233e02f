import { StoreError } from 'coatcheck'
import { type KeyvMirrorOptions, keyvMirror } from 'coatcheck/stores/keyv'
import { Keyv } from 'keyv'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../support/manual-clock.js'
import { GatedStore } from './support/gated-store.js'
import { record, TTL_MS } from './support/records.js'

const mirrorOf = (options: KeyvMirrorOptions = {}) => {
  const clock = new ManualClock()
  const store = new GatedStore()
  const keyv = new Keyv(store)
  const mirror = keyvMirror(keyv, { clock, ...options })
  return { clock, store, keyv, mirror }
}

/** Keys of tasks among the writes. */
const tasksIn = (writes: readonly string[]): readonly string[] =>
  writes.flatMap((key) => /task:(.*)$/.exec(key)?.slice(1) ?? [])

describe('publish', () => {
  it('writes one record for several changes within a turn of the event loop', async () => {
    const { clock, store, mirror } = mirrorOf()
    for (const revision of [1, 2, 3]) mirror.publish(record('a', { revision }), TTL_MS)
    await clock.turn()
    expect(tasksIn(store.writes).filter((id) => id === 'a')).toHaveLength(1)
    expect(await mirror.read('a')).toMatchObject({ revision: 3 })
  })

  it('has one write per task under way, and as many in all as `parallel`', async () => {
    const { clock, store, mirror } = mirrorOf({ parallel: 2 })
    store.hold()
    for (const id of ['a', 'b', 'c']) mirror.publish(record(id), TTL_MS)
    await clock.turn()
    expect(store.underWay).toBe(2)
    mirror.publish(record('a', { revision: 2 }), TTL_MS)
    await clock.turn()
    expect(tasksIn(store.writes)).toEqual(['a', 'b'])
    expect(mirror.stats()).toMatchObject({ waiting: 2, writing: 2 })
    store.release()
    await clock.turn()
    expect(await mirror.read('a')).toMatchObject({ revision: 2 })
    expect(await mirror.read('c')).toMatchObject({ revision: 1 })
  })

  it('drops the oldest record beyond `maxWaiting`, and counts it', async () => {
    const { clock, store, mirror } = mirrorOf({ maxWaiting: 3 })
    store.refuses = () => true
    mirror.publish(record('first'), TTL_MS)
    await clock.turn()
    expect(mirror.stats()).toMatchObject({ failing: true, waiting: 1 })
    for (const id of ['a', 'b', 'c']) mirror.publish(record(id), TTL_MS)
    expect(mirror.stats()).toMatchObject({ waiting: 3, dropped: 1 })
  })

  it('ignores a record that is older than the one it has, but not a newer task with the same id', async () => {
    const { clock, mirror } = mirrorOf()
    mirror.publish(record('a', { revision: 5 }), TTL_MS)
    await clock.turn()
    mirror.publish(record('a', { revision: 4 }), TTL_MS)
    await clock.turn()
    expect(await mirror.read('a')).toMatchObject({ revision: 5 })
    mirror.publish(record('a', { revision: 1, queuedAt: '2030-01-01T00:00:01.000Z' }), TTL_MS)
    await clock.turn()
    expect(await mirror.read('a')).toMatchObject({ revision: 1 })
  })

  it('gives a record up that a server refuses which takes others', async () => {
    const { clock, store, mirror } = mirrorOf()
    store.refuses = (key) => key.endsWith('task:bad')
    mirror.publish(record('bad'), TTL_MS)
    mirror.publish(record('good'), TTL_MS)
    for (let n = 0; n < 10; n++) await clock.advance(200)
    expect(await mirror.read('good')).toMatchObject({ id: 'good' })
    expect(mirror.stats()).toMatchObject({ waiting: 0, writing: 0, dropped: 1, failing: false })
  })

  it('repeats with a pause that doubles from 0.1 to 5 seconds', async () => {
    const { clock, store, mirror } = mirrorOf()
    store.refuses = () => true
    mirror.publish(record('a'), TTL_MS)
    await clock.turn()
    const attempts = async (ms: number): Promise<number> => {
      const before = store.writes.length
      for (let passed = 0; passed < ms; passed += 50) await clock.advance(50)
      return store.writes.length - before
    }
    expect(await attempts(1_000)).toBeGreaterThan(await attempts(1_000))
    await attempts(20_000)
    const late = await attempts(10_000)
    expect(late).toBeGreaterThanOrEqual(1)
    expect(late).toBeLessThanOrEqual(3)
    store.refuses = () => false
    await attempts(5_100)
    expect(await mirror.read('a')).toMatchObject({ id: 'a' })
  })

  it('writes the newest record again after a write that was given up has arrived late', async () => {
    const { clock, store, mirror } = mirrorOf()
    store.hold()
    mirror.publish(record('a', { revision: 1 }), TTL_MS)
    await clock.turn()
    const release = store.release.bind(store)
    await clock.advance(800)
    expect(mirror.stats()).toMatchObject({ failing: true })
    mirror.publish(record('a', { revision: 2 }), TTL_MS)
    release()
    await clock.turn()
    for (let n = 0; n < 4; n++) await clock.advance(200)
    expect(await mirror.read('a')).toMatchObject({ revision: 2 })
    expect(mirror.stats()).toMatchObject({ waiting: 0, failing: false })
  })

  it('writes the newest record again when the late write has replaced it', async () => {
    const { clock, store, mirror } = mirrorOf()
    store.hold()
    mirror.publish(record('a', { revision: 1 }), TTL_MS)
    await clock.turn()
    await clock.advance(800)
    const release = store.admit()
    mirror.publish(record('a', { revision: 2 }), TTL_MS)
    for (let n = 0; n < 4; n++) await clock.advance(200)
    expect(await mirror.read('a')).toMatchObject({ revision: 2 })
    release()
    await clock.turn()
    expect(await mirror.read('a')).toMatchObject({ revision: 2 })
    expect(tasksIn(store.writes)).toEqual(['a', 'a', 'a'])
  })

  it('writes the newer of two records after the write of the older has failed', async () => {
    const { clock, store, mirror } = mirrorOf()
    store.hold()
    mirror.publish(record('a', { revision: 1 }), TTL_MS)
    await clock.turn()
    mirror.publish(record('a', { revision: 2 }), TTL_MS)
    await clock.turn()
    expect(mirror.stats()).toMatchObject({ waiting: 1, writing: 1 })
    store.refuses = () => true
    store.release()
    await clock.turn()
    expect(mirror.stats()).toMatchObject({ waiting: 1, writing: 0, failing: true })
    store.refuses = () => false
    await clock.advance(100)
    expect(await mirror.read('a')).toMatchObject({ revision: 2 })
  })

  it('does not write a record whose time is over', async () => {
    const { clock, store, mirror } = mirrorOf()
    store.refuses = () => true
    mirror.publish(record('a'), 3_000)
    await clock.turn()
    const before = tasksIn(store.writes).length
    await clock.advance(3_000)
    store.refuses = () => false
    for (let n = 0; n < 10; n++) await clock.advance(1_000)
    expect(mirror.stats()).toMatchObject({ waiting: 0, failing: false })
    expect(tasksIn(store.writes)).toHaveLength(before)
  })

  it('writes what is newest, of no more than `maxWaiting` tasks, when the server has lost its memory', async () => {
    const { clock, store, mirror } = mirrorOf({ maxWaiting: 2 })
    for (const id of ['a', 'b', 'c']) {
      mirror.publish(record(id), TTL_MS)
      await clock.turn()
    }
    await clock.advance(0)
    expect(mirror.stats()).toMatchObject({ retained: 2 })
    store.refuses = () => true
    for (const id of ['x', 'c']) mirror.publish(record(id, { revision: 2 }), TTL_MS)
    await clock.turn()
    store.values.clear()
    store.refuses = () => false
    for (let n = 0; n < 4; n++) await clock.advance(200)
    expect(mirror.stats()).toMatchObject({ waiting: 0, failing: false })
    expect(await mirror.read('c')).toMatchObject({ revision: 2 })
    expect(await mirror.read('x')).toMatchObject({ revision: 2 })
  })

  it('keeps a waiting record that is newer than the one that the server has lost', async () => {
    const { clock, store, mirror } = mirrorOf()
    mirror.publish(record('a'), TTL_MS)
    await clock.turn()
    await clock.advance(0)
    store.refuses = () => true
    mirror.publish(record('a', { revision: 2 }), TTL_MS)
    await clock.turn()
    store.values.clear()
    store.refuses = () => false
    for (let n = 0; n < 4; n++) await clock.advance(200)
    expect(await mirror.read('a')).toMatchObject({ revision: 2 })
    expect(mirror.stats()).toMatchObject({ waiting: 0, failing: false })
  })

  it('writes what it has written again when the server has lost its memory', async () => {
    const { clock, store, mirror } = mirrorOf()
    for (const id of ['a', 'b']) mirror.publish(record(id), TTL_MS)
    await clock.turn()
    await clock.advance(0)
    store.values.clear()
    expect(await mirror.read('a')).toBeUndefined()
    await clock.advance(5_000)
    await clock.turn()
    expect(await mirror.read('a')).toMatchObject({ id: 'a' })
    expect(await mirror.read('b')).toMatchObject({ id: 'b' })
  })

  it('retains nothing beyond the time of a record, and sets no timer then', async () => {
    const { clock, mirror } = mirrorOf()
    mirror.publish(record('a'), 3_000)
    await clock.turn()
    expect(clock.timers('alive')).toBe(0)
    await clock.advance(0)
    await clock.advance(5_000)
    expect(mirror.stats()).toMatchObject({ retained: 0 })
    expect(clock.timers('all')).toBe(0)
  })

  it('takes ids of any characters', async () => {
    const { clock, mirror } = mirrorOf()
    const ids = ['order 7', 'naïve', 'a'.repeat(128), 'x:y', 'task:#x']
    for (const id of ids) mirror.publish(record(id), TTL_MS)
    await clock.turn()
    for (const id of ids) expect(await mirror.read(id)).toMatchObject({ id })
  })

  it('gives times in whole seconds, from two seconds to thirty days', async () => {
    const { clock, keyv, mirror } = mirrorOf()
    const ttls: (number | undefined)[] = []
    keyv.hooks.addHandler('preSet' as never, ({ key, ttl }: { key: string; ttl?: number }) => {
      if (key.startsWith('task:')) ttls.push(ttl)
    })
    for (const [id, ttlMs] of [
      ['a', 1],
      ['b', 2_001],
      ['c', Number.POSITIVE_INFINITY],
      ['d', 0]
    ] as const) {
      mirror.publish(record(id), ttlMs)
    }
    await clock.turn()
    expect(ttls.slice(0, 3)).toEqual([2_000, 3_000, 2_592_000_000])
    expect(await mirror.read('d')).toBeUndefined()
  })
})

describe('read', () => {
  it('rejects when the key has anything but the record of the task', async () => {
    const { keyv, mirror } = mirrorOf()
    const foreign = [
      'text',
      7,
      '{}',
      JSON.stringify({ ...record('b') }),
      JSON.stringify({ ...record('a'), state: 'lost' }),
      JSON.stringify({ ...record('a'), revision: 'x' }),
      JSON.stringify({ ...record('a'), queuedAt: 'x' }),
      JSON.stringify({ ...record('a'), error: { message: 1 } }),
      JSON.stringify({ ...record('a'), progress: null })
    ]
    for (const value of foreign) {
      await keyv.set('task:a', value)
      await expect(mirror.read('a'), String(value)).rejects.toThrow(StoreError)
    }
  })

  it('deletes nothing, whatever Keyv takes for expired: another process may write it meanwhile', async () => {
    const { store, mirror } = mirrorOf()
    const deleted: string[] = []
    store.absent = { value: undefined, expires: 0 } // as the adapter of memcached reports it
    store.delete = async (key) => {
      deleted.push(key)
      return true
    }
    expect(await mirror.read('a')).toBeUndefined()
    // As a process sees it whose clock is ahead.
    store.values.set('keyv:task:b', JSON.stringify({ value: JSON.stringify(record('b')), expires: 1 }))
    expect(await mirror.read('b')).toBeUndefined()
    expect(deleted).toEqual([])
  })

  it('rejects when a server returns nothing and keeps no probe either', async () => {
    const { store, mirror } = mirrorOf()
    store.refuses = () => true
    await expect(mirror.read('a')).rejects.toThrow(StoreError)
    store.refuses = () => false
    expect(await mirror.read('a')).toBeUndefined()
  })

  it('refuses at once when hundreds of operations have got no answer, but for one per time limit', async () => {
    const { clock, store, mirror } = mirrorOf({ timeoutMs: 100 })
    store.hold()
    const reads = Array.from({ length: 300 }, (_, n) => mirror.read(`${n}`).catch((error: unknown) => error))
    await clock.turn()
    await clock.advance(100)
    for (const outcome of await Promise.all(reads)) expect(outcome).toBeInstanceOf(StoreError)
    const last = mirror.read('last').catch((error: Error) => error.message)
    await clock.turn()
    await clock.advance(100)
    await last
    store.release()
    await clock.turn()
    expect(await mirror.read('again')).toBeUndefined()
  })
})

describe('close', () => {
  it('writes what waits, then disconnects, and takes no further record', async () => {
    const { store, keyv, mirror } = mirrorOf()
    let isDisconnected = false
    keyv.on('disconnect', () => {
      isDisconnected = true
    })
    mirror.publish(record('a'), TTL_MS)
    const closed = mirror.close()
    expect(mirror.close()).toBe(closed)
    await closed
    expect(isDisconnected).toBe(true)
    expect([...store.values.keys()].some((key) => key.endsWith('task:a'))).toBe(true)
    mirror.publish(record('b'), TTL_MS)
    expect(mirror.stats()).toMatchObject({ waiting: 0 })
  })

  it('writes what waits when a check of the server is under way', async () => {
    const { clock, store, mirror } = mirrorOf()
    store.refuses = () => true
    mirror.publish(record('a'), TTL_MS)
    await clock.turn()
    store.refuses = () => false
    store.hold()
    await clock.advance(100)
    expect(mirror.stats()).toMatchObject({ failing: true, waiting: 1 })
    const closed = mirror.close()
    await clock.advance(0)
    store.release()
    await closed
    expect(mirror.stats()).toMatchObject({ waiting: 0, dropped: 0 })
    expect(tasksIn([...store.values.keys()])).toEqual(['a'])
  })

  it('gives up after two seconds, and counts what was not written', async () => {
    const { clock, store, mirror } = mirrorOf()
    store.refuses = () => true
    mirror.publish(record('a'), TTL_MS)
    await clock.turn()
    let isClosed = false
    const closed = mirror.close().then(() => {
      isClosed = true
    })
    await clock.advance(1_900)
    expect(isClosed).toBe(false)
    await clock.advance(100)
    await closed
    expect(mirror.stats()).toMatchObject({ waiting: 0, dropped: 1 })
  })
})

describe('the arguments', () => {
  it('are checked, and named in the error', () => {
    const keyv = new Keyv()
    expect(() => keyvMirror({} as Keyv)).toThrow(/`keyv` to be a Keyv/)
    expect(() => keyvMirror(keyv, { timeoutMs: 0 })).toThrow(/`timeoutMs`/)
    expect(() => keyvMirror(keyv, { maxWaiting: 0 })).toThrow(/`maxWaiting`/)
    expect(() => keyvMirror(keyv, { parallel: 1.5 })).toThrow(/`parallel`/)
    expect(() => keyvMirror(keyv, { maxBytes: 10 })).toThrow(/`maxBytes`/)
    expect(() => keyvMirror(keyv, { clock: {} as never })).toThrow(/`clock`/)
    expect(() => keyvMirror(keyv, { timeout: 1 } as never)).toThrow(/timeout/)
  })
})
