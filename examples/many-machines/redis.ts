import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const HOST = '127.0.0.1'

/** A Redis that keeps what it has answered: it may be killed and started again. */
export class RedisProcess {
  readonly port: number
  readonly #folder: string
  #child: ChildProcess | undefined

  private constructor(port: number, folder: string) {
    this.port = port
    this.#folder = folder
  }

  /** Starts one on a free port. `undefined` when `redis-server` is not installed. */
  static async start(): Promise<RedisProcess | undefined> {
    const redis = new RedisProcess(await freePort(), await mkdtemp(join(tmpdir(), 'coatcheck-redis-')))
    if (await redis.start()) return redis
    await redis.remove()
    return undefined
  }

  async start(): Promise<boolean> {
    const persistence = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
    const address = ['--port', `${this.port}`, '--bind', HOST, '--dir', this.#folder]
    const child = spawn('redis-server', [...address, ...persistence], { stdio: 'ignore' })
    const isMissing = once(child, 'error').then(() => true)
    for (;;) {
      const socket = connect(this.port, HOST)
      const isUp = new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      })
      if (await Promise.race([isMissing, isUp.then(() => false)])) return false
      socket.destroy()
      if (await isUp) break
      await sleep(20)
    }
    this.#child = child
    return true
  }

  /** Ends it with SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  /** Ends it, and removes what it has written. */
  async remove(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}
