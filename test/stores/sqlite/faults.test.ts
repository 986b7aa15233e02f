import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type OpenStore, type SqliteStoreOptions, sqliteStore } from 'coatcheck/stores/sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { folder, newPath, open, ways } from './support.js'
import { batch, ended, numbers, task } from './tasks.js'

/** A file system of its own, of one megabyte; nothing where this user may not mount one. */
const smallDisk = (): string | undefined => {
  const place = folder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place]).status === 0
  if (mounted) onTestFinished(() => void spawnSync('umount', ['-l', place]))
  return mounted ? place : undefined
}

const canMount = ((): boolean => {
  const place = spawnSync('mktemp', ['-d']).stdout.toString().trim()
  const mounted = process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', place]).status === 0
  if (mounted) spawnSync('umount', [place])
  rmSync(place, { recursive: true })
  return mounted
})()

const failure = async (work: () => unknown): Promise<unknown> => {
  try {
    await work()
    return undefined
  } catch (error) {
    return error
  }
}

const keepsStatements = ({ thread, driver }: Omit<SqliteStoreOptions, 'path'>): boolean =>
  thread === false && driver === undefined && process.getBuiltinModule('node:sqlite') === undefined

describe.each(ways)('a store $way on a full disk', ({ options }) => {
  it.skipIf(!canMount)('refuses what does not fit, loses nothing, and goes on when there is room', async () => {
    const disk = smallDisk() ?? ''
    const path = join(disk, 'tasks.db')
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(500_000))
    const store = await open({ path, ...options })
    const input = JSON.stringify('x'.repeat(3_000))
    const accepted: number[] = []
    let error: unknown
    for (let seq = 1; error === undefined; seq++) {
      error = await failure(() => store.write(batch({ insert: [task(seq, { input })] })))
      if (error === undefined) accepted.push(seq)
    }
    expect(error).toMatchObject({ code: 'ERR_STORE', inDoubt: false, message: expect.stringContaining('disk is full') })
    expect(accepted.length).toBeGreaterThan(10)
    for (const seq of accepted) expect(await store.get(`task-${seq}`)).toEqual(task(seq, { input }))
    rmSync(ballast)
    await store.write(batch({}))
    await store.write(batch({ insert: [task(1_000)] }))
    await store.close()
    const again = await open({ path, ...options })
    expect(again.unfinished.map(({ seq }) => seq)).toEqual([...accepted, 1_000])
  })

  it.skipIf(!canMount)('gives its lock back when it is closed, and has lost nothing', async () => {
    const disk = smallDisk() ?? ''
    const path = join(disk, 'tasks.db')
    const store = await open({ path, ...options })
    await store.write(batch({ insert: numbers(1, 50).map((seq) => task(seq)) }))
    const { bavail, bsize } = statfsSync(disk)
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(bavail * bsize))
    await store.close()
    rmSync(join(disk, 'ballast'))
    // On the loop, @photostructure/sqlite keeps the file until its statements are collected.
    globalThis.gc?.()
    expect((await open({ path, ...options, waitMs: keepsStatements(options) ? 60_000 : 0 })).unfinished).toHaveLength(
      50
    )
  })
})

/** A driver whose thread ends before or after the next commit, once a file is there. */
const mortalDriver = (when: 'before' | 'after'): { readonly driver: string; readonly kill: () => void } => {
  const place = folder()
  const driver = join(place, 'driver.cjs')
  const flag = join(place, 'die')
  const real = createRequire(import.meta.url).resolve('@photostructure/sqlite')
  writeFileSync(
    driver,
    `const fs = require('node:fs')
    const found = process.getBuiltinModule('node:sqlite') ?? require(${JSON.stringify(real)})
    const Real = found.DatabaseSync ?? found
    const die = () => {
      if (!fs.existsSync(${JSON.stringify(flag)})) return
      fs.rmSync(${JSON.stringify(flag)})
      process.exit(7)
    }
    module.exports = class extends Real {
      exec(sql) {
        if (sql === 'COMMIT' && ${when === 'before'}) die()
        const result = super.exec(sql)
        if (sql === 'COMMIT' && ${when === 'after'}) die()
        return result
      }
    }`
  )
  return { driver, kill: () => writeFileSync(flag, '') }
}

describe('a store whose thread ends while the process lives', () => {
  const afterDeath = async (
    when: 'before' | 'after'
  ): Promise<{ readonly store: OpenStore; readonly path: string }> => {
    const { driver, kill } = mortalDriver(when)
    const path = newPath()
    const store = await open({ path, driver })
    await store.write(batch({ insert: [task(1)] }))
    kill()
    const error = await failure(() => store.write(batch({ insert: [task(2)], update: [ended(1)] })))
    expect(error).toMatchObject({ code: 'ERR_STORE', inDoubt: true, message: expect.stringContaining('exit code 7') })
    return { store, path }
  }

  it.each(['before', 'after'] as const)('%s a commit opens the file again at the next write', async (when) => {
    const { store, path } = await afterDeath(when)
    await expect(sqliteStore({ path })).rejects.toMatchObject({ code: 'ERR_STORE_IN_USE' })
    // The same batch once more, and what came since.
    await store.write(batch({ insert: [task(2), task(3)], update: [ended(1)] }))
    await store.close()
    const again = await open({ path })
    expect(again.unfinished).toEqual([task(2), task(3)])
    expect(again.finished).toEqual([ended(1)])
  })

  it('opens the file again for a read, once for all who ask', async () => {
    const { store } = await afterDeath('after')
    expect(await Promise.all([store.get('task-1'), store.get('task-2'), store.write(batch({}))])).toEqual([
      ended(1),
      task(2),
      undefined
    ])
  })

  it('says so when it cannot open the file again, and tries again at the next write', async () => {
    const { store, path } = await afterDeath('after')
    const moved = `${path}.moved`
    renameSync(path, moved)
    mkdirSync(path)
    const error = await failure(() => store.write(batch({})))
    expect(error).toMatchObject({ code: 'ERR_STORE', inDoubt: false, cause: { code: 'ERR_STORE' } })
    rmSync(path, { recursive: true })
    renameSync(moved, path)
    await store.write(batch({ insert: [task(3)] }))
    expect(await store.get('task-2')).toEqual(task(2))
  })

  it('is closed like any other', async () => {
    const { store, path } = await afterDeath('after')
    await store.close()
    expect((await open({ path })).unfinished).toEqual([task(2)])
  })
})
