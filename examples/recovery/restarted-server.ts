/** Starts the server as a process of its own, kills it, and starts it again on the same port. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('server.ts', import.meta.url))

export class RestartedServer {
  readonly effectsPath: string
  readonly #path: string
  #port = 0
  #child: ChildProcess | undefined

  constructor(path: string, effectsPath: string) {
    this.#path = path
    this.effectsPath = effectsPath
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** @returns the time until it listens, in milliseconds */
  async start(): Promise<number> {
    if (this.#port === 0) this.#port = await freePort()
    const begunAt = performance.now()
    const child = fork(script, [String(this.#port), this.#path, this.effectsPath])
    this.#child = child
    const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`The server ended with code ${code}.`)))
    await Promise.race([once(child, 'message'), ended])
    ended.catch(() => {}) // it is killed later
    return performance.now() - begunAt
  }

  /** Kills the server, which has no chance to write anything. */
  async kill(): Promise<{ readonly running: number; readonly queued: number }> {
    const child = this.#child as ChildProcess
    child.send('stats')
    const [stats] = (await once(child, 'message')) as [{ running: number; queued: number }]
    child.kill('SIGKILL')
    await once(child, 'exit')
    return stats
  }

  async stop(): Promise<void> {
    const child = this.#child as ChildProcess
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`The server ended with code ${code} after SIGTERM.`)
  }

  destroy(): void {
    this.#child?.kill('SIGKILL')
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
