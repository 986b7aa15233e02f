import { memoryStore, StoreProtocolError } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'
import { insert, remove, rowsFor, update } from '../../src/testing/rows.js'
import { rejection, thrown } from '../support/pools.js'

/** Whether a promise has settled once everything has that needs no passing of time. */
const isSettled = async (promise: unknown): Promise<boolean> => {
  const pending = Symbol('pending')
  const turn = new Promise((resolve) => setImmediate(resolve, pending))
  return (await Promise.race([Promise.resolve(promise).catch(() => {}), turn])) !== pending
}

const end = { state: 'succeeded', attempt: 1, startedAt: 1_100, settledAt: 1_200, outcome: '{"result":2}' } as const

describe('a memory store', () => {
  it('keeps its rows on the disk for the next store', async () => {
    const first = memoryStore()
    const row = rowsFor(first)
    const [a, b] = [row(1), row(2)]
    await first.write(insert(a, b))
    await first.write(update({ ...a, ...end }))
    await first.close()
    const second = memoryStore({ disk: first.disk })
    expect(second.unfinished).toEqual([b])
    expect(second.finished).toEqual([{ ...a, ...end, input: null }])
    expect([second.lastSeq, second.secret]).toEqual([2, first.secret])
    expect(await second.get(a.id)).toEqual({ ...a, ...end, input: null })
  })

  it('has one open store per disk', async () => {
    const first = memoryStore()
    expect(thrown(() => memoryStore({ disk: first.disk }))).toMatchObject({ code: 'ERR_STORE_IN_USE' })
    await first.close()
    expect(memoryStore({ disk: first.disk }).disk.inUse).toBe(true)
  })

  it('writes without a promise if it is to be synchronous', () => {
    const store = memoryStore({ sync: true })
    const row = rowsFor(store)(1)
    expect(store.write(insert(row))).toBeUndefined()
    expect(store.get(row.id)).toEqual(row)
    store.failNext()
    expect(thrown(() => store.write(remove(1)))).toMatchObject({ inDoubt: false })
    expect(thrown(() => store.hold())).toBeInstanceOf(TypeError)
    expect(store.close()).toBeUndefined()
  })

  it('counts batches and rows', async () => {
    const store = memoryStore()
    const row = rowsFor(store)
    await store.write(insert(row(1), row(2)))
    await store.write({ insert: [row(3)], update: [row(1, { state: 'running' })], remove: [2] })
    await store.write(insert())
    store.failNext()
    await rejection(Promise.resolve(store.write(insert())))
    await store.get('none')
    expect(store.stats()).toEqual({
      ...{ writes: 4, commits: 3, empty: 1, failed: 1 },
      ...{ inserted: 3, updated: 1, removed: 1, gets: 1 }
    })
  })
})

describe('a slow memory store', () => {
  it('writes when the test lets it, each batch as it was when it was given', async () => {
    const store = memoryStore()
    const row = rowsFor(store)
    const rows = [row(1)]
    store.hold()
    const write = store.write({ insert: rows, update: [], remove: [] })
    rows.push(row(2))
    expect(await isSettled(write)).toBe(false)
    expect([store.isWaiting, store.disk.tasks()]).toEqual([true, []])
    store.releaseOne()
    await write
    expect(store.disk.tasks()).toHaveLength(1)
    const next = store.write(insert(row(3)))
    expect(await isSettled(next)).toBe(false)
    store.release()
    await next
    await store.write(insert(row(4)))
    expect(store.disk.tasks()).toHaveLength(3)
  })

  it('gives up the write that waits when it is closed', async () => {
    const store = memoryStore()
    store.hold()
    const write = rejection(Promise.resolve(store.write(insert(rowsFor(store)(1)))))
    await isSettled(write)
    await store.close()
    expect(await write).toMatchObject({ inDoubt: false })
    expect(store.disk.tasks()).toEqual([])
    expect(store.violations).toEqual([])
  })
})

describe('a failing memory store', () => {
  it('fails as often as planned, and not before', async () => {
    const store = memoryStore()
    store.failNext({ after: 1 }, 2)
    const outcomes: boolean[] = []
    for (let step = 1; step <= 4; step += 1) {
      outcomes.push(
        await Promise.resolve(store.write(insert()))
          .then(() => true)
          .catch(() => false)
      )
    }
    expect(outcomes).toEqual([true, false, false, true])
  })

  it('does not fail if no failure is planned', async () => {
    const store = memoryStore()
    store.failNext({}, 0)
    await store.write(insert())
    expect(store.stats()).toMatchObject({ commits: 1, failed: 0 })
  })

  it('fails until it recovers', async () => {
    const store = memoryStore()
    const error = new Error('no space left')
    store.failAlways({ error })
    for (let step = 1; step <= 3; step += 1) expect(await rejection(Promise.resolve(store.write(insert())))).toBe(error)
    store.recover()
    await store.write(insert())
  })

  it('may fail after the batch has reached the disk, and says that it is in doubt', async () => {
    const store = memoryStore()
    const row = rowsFor(store)(1)
    store.failNext({ applied: true })
    expect(await rejection(Promise.resolve(store.write(insert(row))))).toMatchObject({ inDoubt: true })
    expect(store.disk.tasks()).toEqual([row])
    store.failNext({ inDoubt: true })
    expect(await rejection(Promise.resolve(store.write(remove(1))))).toMatchObject({ inDoubt: true })
    expect(store.disk.tasks()).toEqual([row])
    expect(thrown(() => store.failNext({ applied: true, inDoubt: false }))).toBeInstanceOf(TypeError)
    expect(thrown(() => store.failNext({}, -1))).toBeInstanceOf(RangeError)
  })

  it('fails to read and to close, and gives up its ownership all the same', async () => {
    const store = memoryStore()
    store.failNext({ operation: 'get' })
    store.failNext({ operation: 'close' })
    expect(await rejection(Promise.resolve(store.get('none')))).toBeInstanceOf(Error)
    expect(await store.get('none')).toBeUndefined()
    expect(await rejection(Promise.resolve(store.close()))).toBeInstanceOf(Error)
    expect(store.disk.inUse).toBe(false)
    expect(await rejection(Promise.resolve(store.get('none')))).toBeInstanceOf(Error)
  })
})

describe('a memory store that is killed', () => {
  it.each([
    ['before', 1],
    ['after', 2]
  ] as const)('%s a batch reaches the disk has written nothing else', async (when, rows) => {
    const store = memoryStore()
    const row = rowsFor(store)
    store.killAt(2, when)
    await store.write(insert(row(1)))
    const write = store.write(insert(row(2)))
    await store.killed
    expect(await isSettled(write)).toBe(false)
    expect(await isSettled(store.write(insert(row(3))))).toBe(false)
    expect(await isSettled(Promise.resolve(store.get(row(1).id)))).toBe(false)
    expect(memoryStore({ disk: store.disk }).unfinished).toHaveLength(rows)
    await store.close()
    expect(store.disk.inUse).toBe(true)
  })

  it('while a write waits does not write it', async () => {
    const store = memoryStore()
    store.hold()
    const write = store.write(insert(rowsFor(store)(1)))
    await isSettled(write)
    store.kill()
    store.release()
    expect(await isSettled(write)).toBe(false)
    expect(memoryStore({ disk: store.disk }).unfinished).toEqual([])
  })

  it('synchronously stops as well', async () => {
    const store = memoryStore({ sync: true })
    store.killAt(1, 'after')
    expect(await isSettled(store.write(insert(rowsFor(store)(1))))).toBe(false)
    expect(store.disk.tasks()).toHaveLength(1)
  })
})

describe('a memory store refuses, writes nothing and reports', () => {
  it('a write before the last one has ended', async () => {
    const store = memoryStore()
    const row = rowsFor(store)
    const first = store.write(insert(row(1)))
    expect(thrown(() => store.write(insert(row(2))))).toBeInstanceOf(StoreProtocolError)
    await first
    expect(store.disk.tasks()).toHaveLength(1)
    expect(store.violations).toHaveLength(1)
  })

  it('a write after close', async () => {
    const store = memoryStore()
    await store.close()
    expect(thrown(() => store.write(insert(rowsFor(store)(1))))).toBe(store.violations[0])
    expect(store.disk.tasks()).toEqual([])
  })

  const store = memoryStore({ sync: true })
  const row = rowsFor(store)
  const ended = row(1, end)
  const live = row(2, { id: 'chosen', chosen: true })
  void store.write(insert(ended, live))
  const before = store.disk.tasks()

  it.each([
    ['an end that changes to another', update({ ...ended, state: 'failed' })],
    ['an end that changes its time', update({ ...ended, settledAt: 1_300 })],
    ['an end that is taken back', update({ ...ended, state: 'queued', settledAt: null })],
    ['an inserted row that takes an end back', insert({ ...ended, state: 'queued', settledAt: null })],
    ['a change of a task that it does not have', update(row(9))],
    ['a number with another ticket', insert(row(2))],
    ['the ticket of an unfinished task', insert(row(9, { id: 'chosen', chosen: true }))],
    ['a generated ticket without the number', insert(row(9, { id: row(8).id }))],
    ['a row twice', insert(row(9), row(9))],
    ['a time that is no whole number', insert(row(9, { dueAt: 1.5 }))],
    ['an end without a time', update({ ...live, state: 'failed' })],
    ['a state that there is not', update({ ...live, state: 'lost' as 'failed' })],
    ['a text that is none', insert(row(9, { input: 1 as unknown as string }))],
    ['an outcome that is no text', update({ ...live, outcome: {} as string })],
    ['an order that is no number', update({ ...live, ord: Number.NaN })],
    ['a ticket that is no text', insert(row(9, { id: 9 as unknown as string, chosen: true }))],
    ['an empty ticket', insert(row(9, { id: '', chosen: true }))],
    ['a name that is no text', insert(row(9, { name: null as unknown as string }))],
    ['a ticket that may or may not be chosen', insert(row(9, { chosen: 1 as unknown as boolean }))],
    ['a priority that is no integer', insert(row(9, { priority: 0.5 }))]
  ])('%s', (_, batch) => {
    const fine = row(5)
    const error = thrown(() => store.write({ ...batch, insert: [fine, ...batch.insert], remove: [] }))
    expect(error).toBeInstanceOf(StoreProtocolError)
    expect(store.violations.at(-1)).toBe(error)
    expect(store.disk.tasks()).toEqual(before)
    expect([store.disk.task(fine.id), store.disk.task('chosen')]).toEqual([undefined, live])
  })
})

it('a task with a chosen ticket replaces an ended one with the same', async () => {
  const store = memoryStore()
  const row = rowsFor(store)
  const chosen = { id: 'report', chosen: true } as const
  await store.write(insert(row(1, { ...chosen, ...end })))
  await store.write(insert(row(2, chosen)))
  expect(store.disk.tasks().map(({ seq }) => seq)).toEqual([2])
  expect(await store.get('report')).toMatchObject({ seq: 2 })
})

it('a task whose ticket was to be taken by a refused batch keeps it', async () => {
  const store = memoryStore()
  const row = rowsFor(store)
  const chosen = { id: 'report', chosen: true } as const
  await store.write(insert(row(1, { ...chosen, ...end })))
  await rejection(Promise.resolve(store.write(insert(row(2, chosen), row(3), row(3)))))
  expect(await store.get('report')).toMatchObject({ seq: 1 })
})
