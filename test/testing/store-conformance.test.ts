import type { OpenStore, StoreBatch } from 'coatcheck'
import { MemoryDisk, memoryStore, storeConformance } from 'coatcheck/testing'
import { describe, expect, it } from 'vitest'

describe.each([false, true])('a memory store (sync: %s)', (sync) => {
  const newPlace = () => {
    const disk = new MemoryDisk()
    return { open: () => memoryStore({ disk, sync }) }
  }
  for (const { title, run } of storeConformance(newPlace)) it(title, run)
})

/** A correct store, but for what the test replaces. */
const broken = (parts: (store: OpenStore) => Partial<OpenStore>) => () => {
  const disk = new MemoryDisk()
  const open = (): OpenStore => {
    const store = memoryStore({ disk })
    const correct: OpenStore = {
      ...{ unfinished: store.unfinished, finished: store.finished, lastSeq: store.lastSeq, secret: store.secret },
      ...{ write: (batch) => store.write(batch), get: (id) => store.get(id), close: () => store.close() }
    }
    return { ...correct, ...parts(correct) }
  }
  return { open }
}

const brokenCases = async (...given: Parameters<typeof storeConformance>): Promise<string[]> => {
  const titles: string[] = []
  for (const { title, run } of storeConformance(...given)) await run().catch(() => titles.push(title))
  return titles
}

describe('the conformance suite of stores finds a store that', () => {
  it.each<readonly [string, string, (store: OpenStore) => Partial<OpenStore>]>([
    [
      'forgets removals',
      'inserts, changes and removes in one batch',
      ({ write }) => ({
        write: (batch: StoreBatch) => write({ ...batch, remove: [] })
      })
    ],
    [
      'drops changes',
      'changes what a change may change, and nothing else',
      ({ write }) => ({
        write: (batch: StoreBatch) => write({ ...batch, update: [] })
      })
    ],
    [
      'writes half of a batch',
      'writes all of a batch or nothing',
      ({ write }) => ({
        write: async (batch: StoreBatch) => {
          await write({ insert: [], update: batch.update, remove: [] })
          await write({ ...batch, update: [] })
        }
      })
    ],
    [
      'orders by number',
      'gives unfinished tasks by their order, not by their number',
      ({ unfinished }) => ({
        unfinished: [...unfinished].sort((a, b) => a.seq - b.seq)
      })
    ],
    [
      'gives the newest end first',
      'gives finished tasks by the time of their end, the oldest first',
      ({ finished }) => ({
        finished: [...finished].reverse()
      })
    ],
    [
      'reuses numbers',
      'knows the highest number and order ever given',
      ({ unfinished }) => ({
        lastSeq: Math.max(0, ...unfinished.map(({ seq }) => seq))
      })
    ],
    ['makes a new secret', 'has a secret of 32 bytes, and keeps it', () => ({ secret: memoryStore().secret })],
    [
      'ignores the case of tickets',
      'finds nothing for any other text',
      ({ get }) => ({
        get: async (id: string) => (await get(id)) ?? get(id.toLowerCase())
      })
    ]
  ])('%s', async (_, title, parts) => {
    expect(await brokenCases(broken(parts))).toContain(title)
  })

  it('may keep a time without its fraction', async () => {
    const whole = broken(({ write }) => ({
      write: (batch: StoreBatch) =>
        write({ ...batch, insert: batch.insert.map((row) => ({ ...row, queuedAt: Math.floor(row.queuedAt) })) })
    }))
    expect(await brokenCases(whole)).toEqual([])
  })

  it('may be open twice, unless that is allowed', async () => {
    const newPlace = () => {
      const opened: ReturnType<typeof memoryStore>[] = []
      const disk = new MemoryDisk()
      const open = (): OpenStore => {
        for (const store of opened.splice(0)) store.kill()
        const store = memoryStore({ disk })
        opened.push(store)
        return store
      }
      return { open }
    }
    expect(await brokenCases(newPlace)).toEqual(['is open once at a time, and the first one goes on'])
    expect(await brokenCases(newPlace, { exclusive: false })).toEqual([])
  })
})
