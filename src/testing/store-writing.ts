import assert from 'node:assert/strict'
import type { OpenStore, StoreBatch, StoredTask } from '../contract/store.js'
import { ENDED, insert, remove, rowsFor, update } from './rows.js'
import type { StoreBody } from './store-body.js'

const LONG = 'ä😀\\u0000'.repeat(20_000)
const MANY = 3_000

/** Each column with a value. */
const FULL: Partial<StoredTask> = {
  ...{ name: 'résumé 😀', key: 'tenant', priority: -3, queuedAt: 1_767_225_600_000, input: JSON.stringify({ LONG }) },
  ...{ options: '{"timeoutMs":5}', metadata: '[1,"zwei"]', fingerprint: 'sha-256=abc', state: 'running', ord: 7 },
  ...{ attempt: 2, failures: 1, revision: 1_048_579, crashes: 1, startedAt: 1_767_225_600_001 },
  ...{ dueAt: 1_767_225_600_002, cancelAt: 1_767_225_600_003, outcome: '{"progress":{"ratio":0.5}}' }
}

/** Whether a batch was written; a store may refuse it instead. */
async function isWritten(store: OpenStore, batch: StoreBatch): Promise<boolean> {
  try {
    await store.write(batch)
    return true
  } catch {
    return false
  }
}

/** What a batch does to the rows. */
export const storeWriting: Readonly<Record<string, StoreBody>> = {
  'keeps every column of an inserted task': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    const [full, plain] = [row(1, FULL), row(2)]
    await store.write(insert(full, plain))
    assert.deepEqual({ ...(await store.get(full.id)) }, full)
    const { unfinished } = await reopen(store)
    assert.deepEqual(copies(unfinished), [plain, full])
  },

  'changes what a change may change, and nothing else': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    const [before, other] = [row(1), row(2)]
    await store.write(insert(before, other))
    const { state, priority, ord, attempt, failures, revision } = row(1, FULL)
    const { crashes, startedAt, dueAt, cancelAt, outcome } = row(1, FULL)
    const changed = { state, priority, ord, attempt, failures, revision }
    const change = { ...changed, crashes, startedAt, dueAt, cancelAt, outcome }
    await store.write(update({ ...before, ...change }))
    const { unfinished } = await reopen(store)
    assert.deepEqual(copies(unfinished), [other, { ...before, ...change }])
  },

  'sets a column to null again': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)(1)
    await store.write(insert({ ...row, dueAt: 2_000, cancelAt: 2_001, outcome: '{}' }))
    await store.write(update(row))
    assert.deepEqual(copies((await reopen(store)).unfinished), [row])
  },

  'inserts, changes and removes in one batch': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    const [a, b, c] = [row(1), row(2), row(3)]
    await store.write(insert(a, b))
    await store.write({
      insert: [c],
      update: [{ ...a, state: 'running', attempt: 1, startedAt: 1_100 }],
      remove: [b.seq]
    })
    assert.equal(await store.get(b.id), undefined)
    const { unfinished } = await reopen(store)
    assert.deepEqual(
      unfinished.map(({ seq, state }) => [seq, state]),
      [
        [1, 'running'],
        [3, 'queued']
      ]
    )
  },

  'writes a large batch': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    const rows = Array.from({ length: MANY }, (_, at) => row(at + 1))
    await store.write(insert(...rows))
    await store.write(update(...rows.slice(1).map((each) => ({ ...each, ...ENDED, settledAt: 2_000 + each.seq }))))
    const { unfinished, finished } = await reopen(store)
    assert.equal(unfinished.length, 1) // Node 24 takes gigabytes to show how two long lists differ
    assert.deepEqual(copies(unfinished), rows.slice(0, 1))
    assert.equal(finished.at(-1)?.seq, MANY)
  },

  'takes an empty batch': async ({ open, reopen }) => {
    const store = await open()
    await store.write(insert())
    await store.write(insert())
    assert.deepEqual((await reopen(store)).unfinished, [])
  },

  'takes a batch again as it was': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    const [a, b] = [row(1), row(2, { id: 'chosen', chosen: true })]
    await store.write(insert(a))
    const batch = { insert: [b], update: [{ ...a, ...ENDED }], remove: [9] }
    for (let time = 1; time <= 3; time += 1) await store.write(batch)
    const { unfinished, finished } = await reopen(store)
    assert.deepEqual(copies(unfinished), [b])
    assert.deepEqual(copies(finished), [{ ...a, ...ENDED, input: null }])
  },

  'replaces a task that is inserted again in a later state': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)(1)
    const later = { ...row, ord: 5, revision: 3, attempt: 1, startedAt: 1_100 }
    await store.write(insert(row))
    await store.write(insert(later))
    assert.deepEqual(copies((await reopen(store)).unfinished), [later])
  },

  'removes a task that is not there': async ({ open }) => {
    const store = await open()
    await store.write(remove(1, 2))
  },

  'drops the input of a task that has ended': async ({ open }) => {
    const store = await open()
    const row = rowsFor(store)(1)
    await store.write(insert(row))
    await store.write(update({ ...row, ...ENDED }))
    assert.deepEqual({ ...(await store.get(row.id)) }, { ...row, ...ENDED, input: null })
  },

  'never changes an end to another, and goes on': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)(1)
    await store.write(insert(row))
    const ended = { ...row, ...ENDED }
    await store.write(update(ended))
    await isWritten(store, update({ ...ended, state: 'failed', outcome: '{"error":{}}' }))
    await isWritten(store, update({ ...ended, state: 'queued', settledAt: null, outcome: null }))
    await isWritten(store, update({ ...ended, settledAt: 1_201, outcome: null }))
    assert.deepEqual({ ...(await store.get(row.id)) }, { ...ended, input: null })
    await store.write(insert(rowsFor(store)(2)))
    assert.deepEqual(copies((await reopen(store)).finished), [{ ...ended, input: null }])
  },

  'writes all of a batch or nothing': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    const [a, b, c] = [row(1), row(2), row(3, { queuedAt: 1_000.5 })]
    await store.write(insert(a))
    const written = await isWritten(store, { insert: [b, c], update: [{ ...a, revision: 2 }], remove: [] })
    const { unfinished } = await reopen(store)
    assert.deepEqual(
      unfinished.map(({ seq, revision }) => [seq, revision]),
      written
        ? [
            [1, 2],
            [2, 1],
            [3, 1]
          ]
        : [[1, 1]]
    )
  }
}

/** Plain copies: a store may give objects of another prototype. */
const copies = (rows: readonly StoredTask[]): StoredTask[] => rows.map((row) => ({ ...row }))
