import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Audit, newAudit } from './audit.js'
import { auditFile } from './audit-file.js'
import type { VictimSettings } from './victim.js'

/** What a loop does. */
export interface KillLoop {
  /** Processes that are killed. */
  readonly cycles: number
  readonly thread: boolean
  readonly driver?: string | undefined
  /** Whether the victims use a store that acknowledges too early: the loop must find it. */
  readonly planted?: boolean
  /** Called after each cycle. */
  readonly onCycle?: (cycle: number) => void
}

/** Kills before a file is drained and audited. */
const KILLS_PER_FILE = 5

/** One of so many victims is stopped by SIGTERM instead. */
const TERM_EVERY = 7

/** A victim is killed at a random moment of so many milliseconds after it has come under load. */
const MOMENT_MS = 300

const source = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** The victim and the thread of its store, compiled once: a start from the source takes longer than a cycle. */
const compileVictim = async (folder: string): Promise<string> => {
  const { metafile } = await build({
    entryPoints: { victim: source('victim.ts'), thread: source('../../src/stores/sqlite/thread/thread.ts') },
    ...{ bundle: true, platform: 'node', format: 'esm', outdir: folder, outExtension: { '.js': '.mjs' } },
    metafile: true
  })
  if (Object.keys(metafile.outputs).length < 2) throw new Error('The victim was not compiled.')
  return join(folder, 'victim.mjs')
}

/** Starts a victim, and ends it unless it drains. Rejects if it ends in any other way. */
const runVictim = async (script: string, settings: VictimSettings, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
  // Node 22 notes that its SQLite is experimental.
  const args = ['--disable-warning=ExperimentalWarning', script, JSON.stringify(settings)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString()
  })
  const exited = once(child, 'close') as Promise<[code: number | null, signal: string | null]>
  if (!settings.drain) {
    await Promise.race([once(child.stdout, 'data'), exited])
    await sleep(Math.random() * MOMENT_MS)
    child.kill(signal)
  }
  const [code, killedBy] = await exited
  const asMeant = settings.drain || signal === 'SIGTERM' ? code === 0 : killedBy === 'SIGKILL'
  if (!asMeant || errors !== '') throw new Error(`A victim ended with ${code ?? killedBy}: ${errors}`)
}

/** Kills processes under load, each of which goes on where the last one was killed; at last compares log and file. */
export const killLoop = async ({ cycles, thread, driver, planted = false, onCycle }: KillLoop): Promise<Audit> => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-kill-'))
  const audit = newAudit()
  try {
    const script = await compileVictim(folder)
    for (let cycle = 0; cycle < cycles; ) {
      const path = join(folder, `tasks-${cycle}.db`)
      const log = join(folder, `log-${cycle}`)
      const settings = { path, log, thread, driver, planted, drain: false }
      for (let kill = 0; kill < KILLS_PER_FILE && cycle < cycles; kill++) {
        await runVictim(script, settings, cycle % TERM_EVERY === TERM_EVERY - 1 ? 'SIGTERM' : 'SIGKILL')
        cycle++
        onCycle?.(cycle)
      }
      await runVictim(script, { ...settings, planted: false, drain: true }, 'SIGTERM')
      auditFile(path, log, driver, audit)
      rmSync(path)
      rmSync(log)
    }
    return audit
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
