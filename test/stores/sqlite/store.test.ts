import { existsSync, statSync } from 'node:fs'
import { type SqliteStoreOptions, type StoredChange, StoreInUseError, sqliteStore } from 'coatcheck/stores/sqlite'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/ports/system-clock.js'
import { TicketCipher } from '../../../src/ports/ticket-cipher.js'
import { newPath, open, ways } from './support.js'
import { batch, ended, numbers, task } from './tasks.js'

const sealed = (secret: string, seq: number): string =>
  new TicketCipher(secret, (count) => systemClock.randomBytes(count)).seal(seq)

describe.each(ways)('a store $way', ({ options: way }) => {
  const openAt = (path: string, options: Partial<SqliteStoreOptions> = {}) => open({ path, ...way, ...options })

  it('is empty when it is new, and keeps its secret', async () => {
    const path = newPath()
    const store = await openAt(path)
    expect(store).toMatchObject({ unfinished: [], finished: [], lastSeq: 0 })
    expect(Buffer.from(store.secret, 'base64url')).toHaveLength(32)
    await store.close()
    expect((await openAt(path)).secret).toBe(store.secret)
  })

  it('gives back every field of a task, byte for byte', async () => {
    const path = newPath()
    const store = await openAt(path)
    const full = task(1, {
      chosen: false,
      id: sealed(store.secret, 1),
      name: '"send"',
      key: 'käse\u0000\u2028😀\ud800',
      priority: -3,
      options: '{"timeoutMs":5}',
      metadata: '{"a":"ü"}',
      fingerprint: 'f',
      state: 'running',
      attempt: 2,
      failures: 1,
      revision: 2 ** 20 + 7,
      crashes: 1,
      startedAt: 1_700_000_000_001,
      dueAt: 1_700_000_000_002,
      cancelAt: 1_700_000_000_003,
      outcome: '{"progress":{"ratio":0.5}}'
    })
    const done = ended(2)
    await store.write(batch({ insert: [full, done] }))
    expect(await store.get(full.id)).toEqual(full)
    await store.close()
    const again = await openAt(path)
    expect(again.unfinished).toEqual([full])
    expect(again.finished).toEqual([done])
    expect(await again.get(done.id)).toEqual(done)
  })

  it('gives the unfinished tasks by their place, and those that have ended from the oldest on', async () => {
    const path = newPath()
    const store = await openAt(path)
    await store.write(
      batch({
        insert: [task(1, { ord: 9 }), task(2, { ord: 2, state: 'running' }), task(3), ended(4), ended(5), ended(6)],
        update: []
      })
    )
    await store.write(batch({ update: [ended(3, { settledAt: 1 })] }))
    await store.close()
    const again = await openAt(path)
    expect(again.unfinished.map(({ seq }) => seq)).toEqual([2, 1])
    expect(again.finished.map(({ seq }) => seq)).toEqual([3, 4, 5, 6])
  })

  it('never gives a number again, even if the tasks that had it are gone', async () => {
    const path = newPath()
    const store = await openAt(path, { keep: { count: 0 } })
    await store.write(batch({ insert: [task(7)] }))
    await store.write(batch({ update: [{ ...ended(7), ord: 12 }] }))
    expect(await store.get('task-7')).toBeUndefined()
    await store.close()
    expect((await openAt(path)).lastSeq).toBe(12)
  })

  it('finds a ticket by the number in it, or by the ticket if it was chosen', async () => {
    const store = await openAt(newPath())
    const own = task(5, { chosen: false, id: sealed(store.secret, 5) })
    const chosen = task(6, { id: sealed(store.secret, 5) })
    await store.write(batch({ insert: [own, chosen] }))
    expect(await store.get(own.id)).toEqual(own)
    expect(await store.get(chosen.id)).toEqual(chosen)
    for (const unknown of ['none', '', sealed(store.secret, 5), sealed(store.secret, 99)])
      expect(await store.get(unknown)).toBeUndefined()
  })

  it('takes the same batch again', async () => {
    const store = await openAt(newPath())
    const again = batch({ insert: [task(1), ended(2)], update: [ended(1)], remove: [8] })
    await store.write(again)
    await store.write(again)
    await store.write(batch({ update: [ended(1)] }))
    expect(await store.get('task-1')).toEqual(ended(1))
    expect(await store.get('task-2')).toEqual(ended(2))
  })

  it('never changes an end to another one, nor back', async () => {
    const store = await openAt(newPath())
    await store.write(batch({ insert: [ended(1)] }))
    const others: StoredChange[] = [
      { ...ended(1), state: 'failed', outcome: '{}' },
      { ...task(1), state: 'running' }
    ]
    for (const other of others) await store.write(batch({ update: [other] }))
    expect(await store.get('task-1')).toEqual(ended(1))
  })

  it('drops the input of a task at its end', async () => {
    const store = await openAt(newPath())
    await store.write(batch({ insert: [task(1), task(2, { state: 'canceled', settledAt: 5 })] }))
    expect((await store.get('task-1'))?.input).toBe('{"to":1}')
    await store.write(batch({ update: [ended(1, { input: 'not read' })] }))
    expect((await store.get('task-1'))?.input).toBeNull()
    expect((await store.get('task-2'))?.input).toBeNull()
  })

  it('removes the tasks whose insert was given up', async () => {
    const store = await openAt(newPath())
    await store.write(batch({ insert: [task(1), task(2)] }))
    await store.write(batch({ remove: [1, 3] }))
    expect(await store.get('task-1')).toBeUndefined()
    expect(await store.get('task-2')).toEqual(task(2))
  })

  it('gives a chosen ticket to a new task when the one that had it has ended', async () => {
    const store = await openAt(newPath())
    await store.write(batch({ insert: [ended(1, { id: 'mine' })] }))
    await store.write(batch({ insert: [task(2, { id: 'mine' })] }))
    expect(await store.get('mine')).toEqual(task(2, { id: 'mine' }))
  })

  it('writes all of a batch or nothing', async () => {
    const path = newPath()
    const store = await openAt(path)
    await store.write(batch({ insert: [task(1)] }))
    const wrong = batch({ insert: [task(2), task(3, { queuedAt: 0.5 })], update: [ended(1)] })
    const write = async () => store.write(wrong)
    await expect(write()).rejects.toMatchObject({ code: 'ERR_STORE', inDoubt: false, cause: expect.any(Error) })
    await store.write(batch({ insert: [task(4)] }))
    await store.close()
    expect((await openAt(path)).unfinished).toEqual([task(1), task(4)])
  })

  it('changes the file at an empty batch', async () => {
    const path = newPath()
    const store = await openAt(path)
    const size = (): number => statSync(`${path}-wal`).size
    const before = size()
    await store.write(batch({}))
    expect(size()).toBeGreaterThan(before)
  })

  it('refuses a second one in the same process, at once', async () => {
    const path = newPath()
    const store = await openAt(path)
    await expect(sqliteStore({ path, ...way })).rejects.toBeInstanceOf(StoreInUseError)
    await store.write(batch({ insert: [task(1)] }))
    await store.close()
    expect((await openAt(path)).unfinished).toEqual([task(1)])
  })

  it('waits for another one that is closed in time', async () => {
    const path = newPath()
    const store = await openAt(path)
    const second = openAt(path, { waitMs: 60_000 })
    await store.close()
    await (await second).write(batch({ insert: [task(1)] }))
  })

  it('is closed once, leaves one file, and refuses everything after it', async () => {
    const path = newPath()
    const store = await openAt(path)
    await store.write(batch({ insert: [task(1)] }))
    await Promise.all([store.close(), store.close()])
    expect(existsSync(`${path}-wal`)).toBe(false)
    await expect((async () => store.write(batch({})))()).rejects.toMatchObject({ code: 'ERR_STORE', inDoubt: false })
    await expect((async () => store.get('x'))()).rejects.toMatchObject({ code: 'ERR_STORE' })
  })

  it('keeps the newest tasks that have ended, by number, in small steps', async () => {
    const path = newPath()
    const store = await openAt(path)
    await store.write(batch({ insert: numbers(1, 300).map((seq) => ended(seq)) }))
    await store.close()
    const less = await openAt(path, { keep: { count: 10 } })
    const left = async (): Promise<number> => {
      const found = await Promise.all(numbers(1, 301).map(async (seq) => less.get(`task-${seq}`)))
      return found.filter((each) => each !== undefined).length
    }
    await less.write(batch({}))
    expect(await left()).toBe(236)
    for (const _ of numbers(1, 3)) await less.write(batch({}))
    expect(await left()).toBe(44)
    await less.write(batch({ insert: [task(301)], update: [ended(301)] }))
    expect(await left()).toBe(10)
    expect(await less.get('task-301')).toBeDefined()
    expect(await less.get('task-292')).toBeDefined()
    expect(await less.get('task-291')).toBeUndefined()
  })

  it('keeps what has ended by time', async () => {
    const store = await openAt(newPath(), { keep: { ms: 60_000 } })
    const now = Date.now()
    const insert = [ended(1, { settledAt: now - 70_000 }), ended(2, { settledAt: now - 10_000 }), task(3)]
    await store.write(batch({ insert }))
    expect(await store.get('task-1')).toBeUndefined()
    expect(await store.get('task-2')).toBeDefined()
    expect(await store.get('task-3')).toBeDefined()
  })

  it('counts what has ended right, whatever happened to it', async () => {
    const store = await openAt(newPath(), { keep: { count: 2 } })
    const write = async (parts: Parameters<typeof batch>[0]) => store.write(batch(parts))
    await write({ insert: [ended(1), ended(2)] })
    await write({ insert: [ended(1)], remove: [2] }) // a repeated insert, and one that was given up
    await write({ insert: [ended(3, { id: 'task-1' })] }) // takes the ticket of another
    await write({ update: [ended(3), ended(9)] }) // the same end again, and of a task that is gone
    await write({ insert: [ended(4)] })
    await write({})
    expect(await store.get('task-1')).toEqual(ended(3, { id: 'task-1' }))
    expect(await store.get('task-4')).toEqual(ended(4))
    await write({ insert: [ended(5)] })
    expect(await store.get('task-1')).toBeUndefined()
  })

  it('loads the newest 10,000 tasks that have ended, and 32 MiB of their text at most', async () => {
    const path = newPath()
    const store = await openAt(path)
    await store.write(batch({ insert: numbers(1, 10_005).map((seq) => ended(seq)) }))
    await store.close()
    const again = await openAt(path)
    expect(again.finished.map(({ seq }) => seq)).toEqual(numbers(6, 10_005))
    const large = JSON.stringify({ result: 'x'.repeat(10 * 1_024 * 1_024) })
    await again.write(batch({ insert: numbers(10_006, 10_009).map((seq) => ended(seq, { outcome: large })) }))
    await again.close()
    expect((await openAt(path)).finished.map(({ seq }) => seq)).toEqual([10_007, 10_008, 10_009])
  })

  it('refuses a write beyond `maxBytes`, takes it when room has been made, and gives its lock back', async () => {
    const path = newPath()
    const store = await openAt(path, { maxBytes: 200_000 })
    const input = JSON.stringify('x'.repeat(100_000))
    await store.write(batch({ insert: [task(1, { input })] }))
    const second = batch({ insert: [task(2, { input })] })
    await expect((async () => store.write(second))()).rejects.toMatchObject({ code: 'ERR_STORE', inDoubt: false })
    await store.write(batch({ update: [ended(1)] }))
    await store.write(second)
    await store.close()
    expect((await openAt(path)).unfinished).toEqual(second.insert)
  })
})
