import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { Redis } from 'ioredis'
import { RedisProcess } from '../../examples/many-machines/redis.js'
import { Commands } from '../../src/bullmq/redis/commands.js'
import { Keys } from '../../src/bullmq/redis/keys.js'
import type { Audit } from '../kill/audit.js'
import { auditRedis } from './audit-redis.js'
import type { MemberSettings } from './member.js'

/** What a loop does. */
export interface ChaosLoop {
  /** Workers that are killed or stopped, and with every tenth of them Redis. */
  readonly cycles: number
  /** Called after each cycle. */
  readonly onCycle?: (cycle: number) => void
}

const [WORKERS, PRODUCERS] = [3, 2]

/** One of so many workers is stopped by SIGTERM instead. */
const TERM_EVERY = 3

/** In one of so many cycles it is Redis that is killed. */
const REDIS_EVERY = 10

/** A worker is killed at a random moment of so many milliseconds. */
const MOMENT_MS = 300

/** What still waits or runs after that time is unfinished. */
const DRAIN_MS = 90_000

/** The member, compiled once: a start from the source takes longer than a cycle. */
const compileMember = async (folder: string): Promise<string> => {
  const outfile = join(folder, 'member.cjs')
  const entryPoints = [fileURLToPath(new URL('member.ts', import.meta.url))]
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' })
  return outfile
}

/** A process that shares the pool. */
class Member {
  readonly ready: Promise<unknown>
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown>
  #errors = ''

  constructor(script: string, settings: MemberSettings) {
    this.#child = spawn(process.execPath, [script, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stderr?.on('data', (data: Buffer) => {
      this.#errors += data.toString()
    })
    this.#exit = once(this.#child, 'close')
    this.ready = Promise.race([once(this.#child.stdout as NodeJS.ReadableStream, 'data'), this.#exit])
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.ready
    this.#child.kill(signal)
    await this.#exit
    const asMeant = signal === 'SIGTERM' ? this.#child.exitCode === 0 : this.#child.signalCode === 'SIGKILL'
    if (!asMeant || this.#errors !== '') throw new Error(`A member ended with ${this.#child.exitCode}: ${this.#errors}`)
  }

  destroy(): void {
    this.#child.kill('SIGKILL')
  }
}

/** Waits until nothing is left to do. */
const drained = async (port: number): Promise<void> => {
  const redis = new Redis({ host: '127.0.0.1', port })
  const commands = new Commands(redis, new Keys('coatcheck', 'chaos'))
  const until = performance.now() + DRAIN_MS
  const left = async (): Promise<number> => {
    const [queued = 0, delayed = 0, running = 0] = await commands.count()
    return queued + delayed + running
  }
  while ((await left()) > 0 && performance.now() < until) await sleep(50)
  redis.disconnect()
}

/** Ends processes of a pool under load, one after the other; at last compares log and Redis. `undefined` without a Redis. */
export const chaosLoop = async ({ cycles, onCycle }: ChaosLoop): Promise<Audit | undefined> => {
  const redis = await RedisProcess.start()
  if (redis === undefined) return undefined
  const { port } = redis
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-chaos-'))
  const log = join(folder, 'log')
  const members = new Set<Member>()
  try {
    const script = await compileMember(folder)
    const start = (role: MemberSettings['role']): Member => {
      const member = new Member(script, { port, log, role })
      members.add(member)
      return member
    }
    const producers = Array.from({ length: PRODUCERS }, () => start('producer'))
    const workers = Array.from({ length: WORKERS }, () => start('worker'))
    await Promise.all([...members].map((member) => member.ready))
    for (let cycle = 1; cycle <= cycles; cycle++) {
      await sleep(Math.random() * MOMENT_MS)
      if (cycle % REDIS_EVERY === 0) {
        await redis.kill()
        await redis.start()
      } else {
        workers.push(start('worker'))
        await workers.shift()?.end(cycle % TERM_EVERY === 0 ? 'SIGTERM' : 'SIGKILL')
      }
      onCycle?.(cycle)
    }
    for (const producer of producers) await producer.end('SIGTERM')
    await drained(port)
    for (const worker of workers) await worker.end('SIGTERM')
    return await auditRedis(port, log)
  } finally {
    for (const member of members) member.destroy()
    await redis.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}
