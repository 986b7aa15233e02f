import assert from 'node:assert/strict'
import type { OpenStore } from '../contract/store.js'
import type { Awaitable, ConformanceCase } from './conformance-case.js'
import type { StoreBody } from './store-body.js'
import { storeReading } from './store-reading.js'
import { storeWriting } from './store-writing.js'

/** A place for a store, such as a file that does not exist yet. */
export interface StorePlace {
  /** Opens the store: a new one at first, the same one after it was closed. */
  open(): Awaitable<OpenStore>
  /** Removes what is there, when all stores have been closed. */
  remove?(): unknown
}

/** Options of {@link storeConformance}. */
export interface StoreConformanceOptions {
  /**
   * Whether a second `open` must fail while the store is open.
   *
   * @defaultValue true
   */
  readonly exclusive?: boolean | undefined
}

/**
 * The promises of {@link OpenStore} as cases for any test runner: what a store writes, finds, orders, keeps when it is
 * opened again, and refuses. What only the end of a process shows is not among them.
 *
 * @param newPlace - called for each case; makes a place where no store has been
 *
 * @example
 * ```ts
 * import test from 'node:test'
 * import { MemoryDisk, memoryStore, storeConformance } from 'coatcheck/testing'
 *
 * const newPlace = () => {
 *   const disk = new MemoryDisk()
 *   return { open: () => memoryStore({ disk }) }
 * }
 * for (const { title, run } of storeConformance(newPlace)) test(title, run)
 * ```
 */
export function storeConformance(
  newPlace: () => Awaitable<StorePlace>,
  { exclusive = true }: StoreConformanceOptions = {}
): readonly ConformanceCase[] {
  const bodies = { ...storeWriting, ...storeReading, ...(exclusive ? storeOwnership : {}) }
  return Object.entries(bodies).map(([title, body]) => ({ title, run: () => runAt(newPlace, body) }))
}

async function runAt(newPlace: () => Awaitable<StorePlace>, body: StoreBody): Promise<void> {
  const place = await newPlace()
  const opened = new Set<OpenStore>()
  const open = async (): Promise<OpenStore> => {
    const store = await place.open()
    opened.add(store)
    return store
  }
  const reopen = async (store: OpenStore): Promise<OpenStore> => {
    opened.delete(store)
    await store.close()
    return open()
  }
  try {
    await body({ open, reopen })
  } finally {
    for (const store of opened) await store.close()
    await place.remove?.()
  }
}

const storeOwnership: Readonly<Record<string, StoreBody>> = {
  'is open once at a time, and the first one goes on': async ({ open, reopen }) => {
    const store = await open()
    await assert.rejects(open, { code: 'ERR_STORE_IN_USE' })
    await store.write({ insert: [], update: [], remove: [] })
    await reopen(store)
  }
}
