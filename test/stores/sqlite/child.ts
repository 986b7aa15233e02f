/** A process with a store, for the tests: `child.ts <what> <path> <options>`. Each answer is a line, written synchronously. */

import { once } from 'node:events'
import { rmSync, writeFileSync, writeSync } from 'node:fs'
import { type OpenStore, type StoreBatch, sqliteStore } from '../../../src/stores/sqlite/index.js'
import { batch, ended, task } from './tasks.js'

const [what = '', path = '', options = '{}'] = process.argv.slice(2)

const print = (value: unknown): void => void writeSync(1, `${JSON.stringify(value)}\n`)

/** What a write came to: `written`, or the error's answer to whether it may be on disk all the same. */
const outcome = async (store: OpenStore, parts: Partial<StoreBatch>): Promise<unknown> => {
  try {
    await store.write(batch(parts))
    return 'written'
  } catch (error) {
    const { code, inDoubt } = error as { readonly code: unknown; readonly inDoubt: unknown }
    return { code, inDoubt }
  }
}

const failingFsync = async (store: OpenStore): Promise<void> => {
  const flag = process.env['FAIL_FSYNC'] ?? ''
  print(await outcome(store, { insert: [task(1)] }))
  writeFileSync(flag, '')
  print(await outcome(store, { insert: [task(2)] }))
  print(await outcome(store, {}))
}

const scenarios: Readonly<Record<string, (store: OpenStore) => Promise<void>>> = {
  /** Writes until it is killed; what it prints is acknowledged. */
  write: async (store) => {
    for (let seq = 1; ; seq += 2) {
      await store.write(batch({ insert: [task(seq), task(seq + 1)] }))
      await store.write(batch({ update: [ended(seq)] }))
      print(seq)
    }
  },
  /** Keeps the file until its input ends. */
  hold: async (store) => {
    print('open')
    await once(process.stdin.resume(), 'end')
    await store.close()
    print('closed')
  },
  /** Leaves the store open, with nothing else to do. */
  leave: async (store) => print(await outcome(store, { insert: [task(1)] })),
  close: async (store) => {
    await store.close()
    print('closed')
  },
  /** Ends in the middle of a write. */
  exit: async (store) => {
    const writing = store.write(batch({ insert: Array.from({ length: 20_000 }, (_, index) => task(index + 1)) }))
    print('writing')
    if (writing !== undefined) process.exit(0)
  },
  'fsync-returns': async (store) => {
    await failingFsync(store)
    rmSync(process.env['FAIL_FSYNC'] ?? '')
    print(await outcome(store, {}))
    print(await outcome(store, { insert: [task(3)], remove: [2] }))
    await store.close()
    print('closed')
  },
  'fsync-killed': async (store) => {
    await failingFsync(store)
    process.kill(process.pid, 'SIGKILL')
  },
  'fsync-closes': async (store) => {
    await failingFsync(store)
    await store.close()
    rmSync(process.env['FAIL_FSYNC'] ?? '')
    // On the loop, @photostructure/sqlite keeps the file until its statements are collected.
    globalThis.gc?.()
    const given = JSON.parse(options) as { readonly thread?: boolean }
    const again = await sqliteStore({ path, waitMs: given.thread === false ? 60_000 : 0, ...given })
    print(await outcome(again, {}))
    await again.close()
  }
}

await scenarios[what]?.(await sqliteStore({ path, ...JSON.parse(options) }))
