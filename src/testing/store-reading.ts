import assert from 'node:assert/strict'
import type { OpenStore } from '../contract/store.js'
import { ENDED, insert, rowsFor, update } from './rows.js'
import type { StoreBody } from './store-body.js'

const SECRET_BYTES = 32

/** What a store finds, and in which order it gives its tasks when it is opened. */
export const storeReading: Readonly<Record<string, StoreBody>> = {
  'is empty when it is new': async ({ open }) => {
    const { unfinished, finished, lastSeq } = await open()
    assert.deepEqual([[...unfinished], [...finished], lastSeq], [[], [], 0])
  },

  'has a secret of 32 bytes, and keeps it': async ({ open, reopen }) => {
    const store = await open()
    assert.equal(Buffer.from(store.secret, 'base64url').length, SECRET_BYTES)
    assert.equal((await reopen(store)).secret, store.secret)
  },

  'finds a task by its ticket, before and after it is opened again': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    const [live, ended] = [row(1), row(2)]
    await store.write(insert(live, ended))
    await store.write(update({ ...ended, ...ENDED }))
    const found = async (each: OpenStore) => [{ ...(await each.get(live.id)) }, (await each.get(ended.id))?.state]
    assert.deepEqual(await found(store), [live, 'succeeded'])
    assert.deepEqual(await found(await reopen(store)), [live, 'succeeded'])
  },

  'finds a task by a ticket that the caller chose': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    const looksGenerated = row(9).id
    await store.write(
      insert(row(1, { id: 'report.2030:1', chosen: true }), row(2, { id: looksGenerated, chosen: true }))
    )
    assert.equal((await store.get('report.2030:1'))?.seq, 1)
    const again = await reopen(store)
    assert.equal((await again.get('report.2030:1'))?.seq, 1)
    assert.equal((await again.get(looksGenerated))?.seq, 2)
  },

  'finds nothing for any other text': async ({ open }) => {
    const store = await open()
    const row = rowsFor(store)
    await store.write(insert(row(1), row(2, { id: 'chosen', chosen: true })))
    const sameNumber = row(1).id
    const texts = [
      '',
      'Chosen',
      'chosen ',
      '1',
      row(3).id,
      sameNumber,
      `${sameNumber}A`,
      'x'.repeat(10_000),
      "' OR 1=1 --",
      '\0'
    ]
    for (const text of texts) assert.equal(await store.get(text), undefined, JSON.stringify(text.slice(0, 30)))
  },

  'leads a chosen ticket to the newer of two tasks, if the older has ended': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    const chosen = { id: 'daily', chosen: true } as const
    await store.write(insert(row(1, chosen)))
    await store.write(update(row(1, { ...chosen, ...ENDED })))
    await store.write(insert(row(2, chosen)))
    assert.equal((await store.get('daily'))?.seq, 2)
    assert.equal((await (await reopen(store)).get('daily'))?.seq, 2)
  },

  'gives unfinished tasks by their order, not by their number': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    await store.write(insert(row(1), row(2), row(3), row(4)))
    await store.write(update(row(1, { ord: 5 }), row(3, { ord: 6, state: 'running' }), row(4, ENDED)))
    const { unfinished } = await reopen(store)
    assert.deepEqual(
      unfinished.map(({ seq }) => seq),
      [2, 1, 3]
    )
  },

  'gives finished tasks by the time of their end, the oldest first': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    await store.write(insert(row(1), row(2), row(3), row(4)))
    const ends = [
      row(1, { ...ENDED, settledAt: 3_000 }),
      row(2, { ...ENDED, settledAt: 2_000, state: 'failed' }),
      row(3, { ...ENDED, settledAt: 4_000, state: 'canceled' })
    ]
    await store.write(update(...ends))
    const { unfinished, finished } = await reopen(store)
    assert.deepEqual([finished.map(({ seq }) => seq), unfinished.map(({ seq }) => seq)], [[2, 1, 3], [4]])
  },

  'knows the highest number and order ever given': async ({ open, reopen }) => {
    const store = await open()
    const row = rowsFor(store)
    await store.write(insert(row(1), row(2)))
    const second = await reopen(store)
    assert.equal(second.lastSeq, 2)
    await second.write(update(row(1, { ord: 7 })))
    const third = await reopen(second)
    assert.equal(third.lastSeq, 7)
    await third.write(update(row(1, { ...ENDED, ord: 7 })))
    assert.equal((await reopen(third)).lastSeq, 7)
  }
}
