import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { StoreInUseError, sqliteStore } from 'coatcheck/stores/sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { better, folder, newPath, open } from './support.js'
import { ended, numbers, task } from './tasks.js'

interface Child {
  readonly process: ChildProcess
  readonly lines: unknown[]
  /** Resolves when so many lines have come. */
  readonly printed: (count: number) => Promise<void>
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null; readonly errors: string }>
}

const start = (what: string, path: string, options: object, env: NodeJS.ProcessEnv = {}): Child => {
  const args = [
    '--expose-gc',
    '--import',
    'tsx',
    join(import.meta.dirname, 'child.ts'),
    what,
    path,
    JSON.stringify(options)
  ]
  const NODE_OPTIONS = '--disable-warning=ExperimentalWarning' // of the SQLite of Node 22
  const child = spawn(process.execPath, args, { stdio: 'pipe', env: { ...process.env, NODE_OPTIONS, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: unknown[] = []
  let errors = ''
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString()
  })
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => void lines.push(JSON.parse(line)))
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal, errors }) as Awaited<Child['exited']>)
  const printed = async (count: number): Promise<void> => {
    while (lines.length < count) {
      const ended = await Promise.race([exited, once(reader, 'line').then(() => undefined)])
      if (ended !== undefined && lines.length < count) throw new Error(`${what} has ended: ${JSON.stringify(ended)}`)
    }
  }
  return { process: child, lines, printed, exited }
}

const ways = [
  { way: 'in a thread', options: {} },
  { way: 'on the loop', options: { thread: false } },
  ...(better === undefined ? [] : [{ way: 'in a thread, by better-sqlite3', options: { driver: better.path } }])
]

describe.each(ways)('a store $way', ({ options }) => {
  it('of another process is refused at once, or waited for', async () => {
    const path = newPath()
    const child = start('hold', path, options)
    await child.printed(1)
    const error = await sqliteStore({ path, ...options }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(StoreInUseError)
    expect(error).toMatchObject({ code: 'ERR_STORE_IN_USE', path })
    const waiting = open({ path, ...options, waitMs: 60_000 })
    child.process.stdin?.end()
    await waiting
    expect(await child.exited).toEqual({ code: 0, signal: null, errors: '' })
    expect(child.lines).toEqual(['open', 'closed'])
  })

  it('has everything that was acknowledged after its process was killed, and nothing by halves', async () => {
    const path = newPath()
    for (const round of numbers(1, 3)) {
      const file = `${path}-${round}`
      const child = start('write', file, options)
      await child.printed(round * 7)
      child.process.kill('SIGKILL')
      await child.exited
      const acknowledged = Number(child.lines.at(-1))
      const store = await open({ path: file, ...options })
      expect(store.finished.length).toBeGreaterThanOrEqual((acknowledged + 1) / 2)
      expect(store.finished).toEqual(store.finished.map((_, index) => ended(2 * index + 1)))
      // The last pair may be written and its first task not ended.
      const open_ = store.unfinished.filter(({ seq }) => seq % 2 === 0)
      expect(open_).toEqual(open_.map((_, index) => task(2 * index + 2)))
      expect(open_.length - store.finished.length).toBeLessThanOrEqual(1)
      await store.close()
    }
  })

  it('does not keep an idle process alive', async () => {
    const path = newPath()
    const child = start('leave', path, options)
    expect(await child.exited).toEqual({ code: 0, signal: null, errors: '' })
    expect(child.lines).toEqual(['written'])
    expect((await open({ path, ...options })).unfinished).toEqual([task(1)])
  })

  it('is closed before a process that waits for nothing else ends', async () => {
    const path = newPath()
    const child = start('close', path, options)
    expect(await child.exited).toEqual({ code: 0, signal: null, errors: '' })
    expect(child.lines).toEqual(['closed'])
    expect(existsSync(`${path}-wal`)).toBe(false)
  })

  it('stands an exit in the middle of a write', async () => {
    const path = newPath()
    const child = start('exit', path, options)
    expect(await child.exited).toEqual({ code: 0, signal: null, errors: '' })
    expect([0, 20_000]).toContain((await open({ path, ...options })).unfinished.length)
  })
})

const canCompile = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0

describe.each(ways)('a store $way whose disk fails to sync', ({ options }) => {
  const failing = (what: string, path: string): Child => {
    const place = folder()
    const library = join(place, 'fail-fsync.so')
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, join(import.meta.dirname, 'fail-fsync.c')])
    return start(what, path, options, { LD_PRELOAD: library, FAIL_FSYNC: join(place, 'fails') })
  }
  const inDoubt = { code: 'ERR_STORE', inDoubt: true }

  it.skipIf(!canCompile)('says that the write is in doubt, and writes again when the disk does', async () => {
    const path = newPath()
    const child = failing('fsync-returns', path)
    expect(await child.exited).toEqual({ code: 0, signal: null, errors: '' })
    expect(child.lines).toEqual(['written', inDoubt, inDoubt, 'written', 'written', 'closed'])
    expect((await open({ path, ...options })).unfinished).toEqual([task(1), task(3)])
  })

  it.skipIf(!canCompile)('keeps what was acknowledged before, if it is killed then', async () => {
    const path = newPath()
    const child = failing('fsync-killed', path)
    expect(await child.exited).toMatchObject({ code: null, signal: 'SIGKILL' })
    expect(child.lines).toEqual(['written', inDoubt, inDoubt])
    const { unfinished } = await open({ path, ...options })
    expect([[task(1)], [task(1), task(2)]]).toContainEqual(unfinished)
  })

  it.skipIf(!canCompile)('gives its lock back when it is closed', async () => {
    const child = failing('fsync-closes', newPath())
    expect(await child.exited).toEqual({ code: 0, signal: null, errors: '' })
    expect(child.lines).toEqual(['written', inDoubt, inDoubt, 'written'])
  })
})
