import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coatcheck-threads-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs a program, with the functions of these tests, to its end by itself. */
const run = async (
  name: string,
  program: string
): Promise<{ readonly lines: readonly string[]; readonly code: unknown }> => {
  const source = `
    import { setImmediate as nextTurn } from 'node:timers/promises'
    import { WorkerPool } from 'coatcheck'
    import { cpuTask } from 'coatcheck/threads'
    const here = ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '/')))}
    const inThread = (name: string, options = {}) =>
      cpuTask<(input: unknown) => unknown>({ file: new URL('functions.mjs', here), export: name, ...options })
    const make = (name: string, options = {}) =>
      new WorkerPool({ concurrency: 1, queueCapacity: 9, handlers: { run: inThread(name, options) } }).start()
    const begun = async (task: any) => { for await (const { progress } of task.changes()) if (progress) return }
    process.on('exit', () => console.log('exit'))
    ${program}`
  const file = join(folder, `${name}.mts`)
  await writeFile(file, source)
  return new Promise((resolve) => {
    const env = { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') } // by which the name means the source
    execFile(process.execPath, ['--import', 'tsx', file], { cwd: root, env }, (error, stdout, stderr) =>
      resolve({ lines: `${stdout}${stderr}`.trimEnd().split('\n'), code: error === null ? 0 : error.code })
    )
  })
}

const LONG = 3_600_000

describe.concurrent('a process', () => {
  it('exits by itself with threads that wait for work, whatever `idleMs` is', async () => {
    const { lines, code } = await run(
      'idle',
      `
      const pool = make('double', { idleMs: Infinity })
      console.log(await pool.queueTask('run', { n: 1 }).result())`
    )
    expect({ lines, code }).toEqual({ lines: ['2', 'exit'], code: 0 })
  })

  it('exits by itself after a stop', async () => {
    const { lines, code } = await run(
      'stop',
      `
      const pool = make('double', { idleMs: ${LONG} })
      pool.queueTask('run', { n: 1 })
      const { succeeded } = await pool.stop()
      console.log(succeeded)`
    )
    expect({ lines, code }).toEqual({ lines: ['1', 'exit'], code: 0 })
  })

  it('does not exit before a task has ended, which nobody waits for', async () => {
    const { lines, code } = await run(
      'task',
      `
      const pool = make('double')
      pool.on('succeeded', (task) => console.log(task.record().result))
      pool.queueTask('run', { n: 3 })`
    )
    expect({ lines, code }).toEqual({ lines: ['6', 'exit'], code: 0 })
  })

  it('does not exit before a task that was killed has settled', async () => {
    const { lines, code } = await run(
      'kill',
      `
      const pool = make('deaf', { killAfterMs: 1 })
      pool.on('settled', (task) => console.log(task.state))
      const task = pool.queueTask('run', undefined)
      await begun(task)
      task.cancel()`
    )
    expect({ lines, code }).toEqual({ lines: ['canceled', 'exit'], code: 0 })
  })

  it('exits at once by process.exit, whatever its threads do', async () => {
    const { lines, code } = await run(
      'exit',
      `
      const pool = make('deaf')
      await begun(pool.queueTask('run', undefined))
      process.exit(7)`
    )
    expect({ lines, code }).toEqual({ lines: ['exit'], code: 7 })
  })

  it('may have its functions in TypeScript, by the loader that it has itself', async () => {
    const { lines, code } = await run(
      'loader',
      `
      const shout = cpuTask<(input: { text: string }) => string>({ file: new URL('functions.ts', here), export: 'shout' })
      const pool = new WorkerPool({ concurrency: 1, queueCapacity: 9, handlers: { shout } }).start()
      console.log(await pool.queueTask('shout', { text: 'hey' }).result())`
    )
    expect({ lines, code }).toEqual({ lines: ['HEY', 'exit'], code: 0 })
  })
})
