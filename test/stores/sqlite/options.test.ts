import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SqliteStoreOptions, StoreDriverError, StoreVersionError, sqliteStore } from 'coatcheck/stores/sqlite'
import { describe, expect, it } from 'vitest'
import { folder, newPath, open, own } from './support.js'
import { batch, task } from './tasks.js'

const refusal = (options: unknown): Promise<unknown> =>
  sqliteStore(options as SqliteStoreOptions).then(
    () => undefined,
    (error: unknown) => error
  )

describe('options', () => {
  it.each([
    [undefined, TypeError, /`options`.*an object/],
    [{}, TypeError, /`path`.*the path of a file, got `undefined`/],
    [{ path: '' }, RangeError, /`path`/],
    [{ path: ':memory:' }, RangeError, /`path`.*":memory:"/],
    [{ path: 'file:tasks.db' }, RangeError, /`path`/],
    [{ path: 'x', pth: 'y' }, TypeError, /`pth`; did you mean `path`/],
    [{ path: 'x', thread: 1 }, TypeError, /`thread`.*true or false/],
    [{ path: 'x', sync: 'ful' }, RangeError, /'full', 'normal'.*did you mean `full`/],
    [{ path: 'x', keep: 5 }, TypeError, /`keep`/],
    [{ path: 'x', keep: { counts: 5 } }, TypeError, /did you mean `count`/],
    [{ path: 'x', keep: { count: -1 } }, RangeError, /`keep.count`.*-1/],
    [{ path: 'x', keep: { ms: Number.NaN } }, RangeError, /`keep.ms`/],
    [{ path: 'x', maxBytes: 1_000 }, RangeError, /`maxBytes`.*an integer from 65536, or Infinity/],
    [{ path: 'x', waitMs: -1 }, RangeError, /`waitMs`/],
    [{ path: 'x', driver: '' }, RangeError, /`driver`/],
    [{ path: 'x', driver: 5 }, TypeError, /`driver`/],
    [{ path: 'x', driver: own }, TypeError, /`driver`.*with `thread: false` a class/]
  ])('%j are refused', async (options, kind, message) => {
    const error = await refusal(options)
    expect(error).toBeInstanceOf(kind)
    expect(String(error)).toMatch(message)
  })
})

describe.each([true, false])('with thread: %s', (thread) => {
  it('a driver that cannot be loaded is named, with what can be used instead', async () => {
    for (const driver of ['no-such-driver', join(folder(), 'none.cjs'), 'file:///none.cjs', 'node:path']) {
      const error = await refusal({ path: newPath(), thread, driver })
      expect(error).toBeInstanceOf(StoreDriverError)
      expect(error).toMatchObject({ code: 'ERR_STORE_DRIVER', message: expect.stringContaining(driver) })
      for (const known of ['node:sqlite', '@photostructure/sqlite', 'better-sqlite3'])
        expect(String(error)).toContain(known)
    }
  })

  it('a driver is loaded by the name of its module', async () => {
    const store = await open({ path: newPath(), thread, driver: '@photostructure/sqlite' })
    await store.write(batch({ insert: [task(1)] }))
    expect(await store.get('task-1')).toEqual(task(1))
  })

  it('the file of a newer version is refused, and left as it is', async () => {
    const path = newPath()
    await (await open({ path })).close()
    const file = new own(path)
    file.exec('PRAGMA user_version = 2')
    file.close()
    const before = readFileSync(path)
    const error = await refusal({ path, thread })
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(error).toBeInstanceOf(StoreVersionError)
    expect(error).toMatchObject({ code: 'ERR_STORE_VERSION', path, found: 2, supported: 1 })
  })

  it('the database of another application is refused, left as it is, and not kept locked', async () => {
    const path = newPath()
    const file = new own(path)
    file.exec("CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('ann')")
    file.close()
    const error = await refusal({ path, thread })
    expect(error).toMatchObject({ code: 'ERR_STORE', message: expect.stringContaining('another application') })
    const again = new own(path)
    again.exec("INSERT INTO users VALUES ('bob')")
    expect({ ...(again.prepare('SELECT count(*) AS count FROM users').get() as object) }).toEqual({ count: 2 })
    expect({ ...(again.prepare('PRAGMA journal_mode').get() as object) }).toEqual({ journal_mode: 'delete' })
    again.close()
  })

  it.each(['is not there', 'is a folder', 'is no database'])('a file that %s cannot be opened', async (what) => {
    const place = folder()
    writeFileSync(join(place, 'is no database'), 'x'.repeat(9_000))
    mkdirSync(join(place, 'is a folder'))
    const path = what === 'is not there' ? join(place, 'none', 'tasks.db') : join(place, what)
    expect(await refusal({ path, thread })).toMatchObject({ code: 'ERR_STORE', cause: expect.any(Error) })
    // Nothing of the first attempt is left.
    expect(await refusal({ path, thread })).toMatchObject({ code: 'ERR_STORE' })
  })

  it('writes with less waiting if it may', async () => {
    const store = await open({ path: newPath(), thread, sync: 'normal' })
    await store.write(batch({ insert: [task(1)] }))
    expect(await store.get('task-1')).toEqual(task(1))
  })
})
