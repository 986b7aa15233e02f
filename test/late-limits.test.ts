/** A limit that passes while the event loop is blocked, with what it waited for already there: real sockets and time. */
import { once } from 'node:events'
import { readFile } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { WorkerPool } from '../src/index.js'

/** Answers each connection, in a thread of its own, as soon as the main thread is blocked. */
const SERVER = `
  const { parentPort, workerData: blocked } = require('node:worker_threads')
  const server = require('node:net').createServer((socket) =>
    socket.once('data', () => {
      Atomics.wait(blocked, 0, 0)
      Atomics.store(blocked, 0, 0)
      socket.end('the answer')
    })
  )
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address()))
`

const ended: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

/** Set while the main thread is blocked and nobody has answered yet. */
const blocked = new Int32Array(new SharedArrayBuffer(4))

/** Blocks the event loop. */
function block(ms: number): void {
  Atomics.store(blocked, 0, 1)
  Atomics.notify(blocked, 0)
  for (const end = performance.now() + ms; performance.now() < end; );
}

async function answeringServer(): Promise<number> {
  const thread = new Worker(SERVER, { eval: true, workerData: blocked })
  ended.push(() => thread.terminate())
  const [{ port }] = (await once(thread, 'message')) as [AddressInfo]
  return port
}

/** Asks the server; blocks the event loop from an I/O callback until the limit is long over. */
async function askAndBlock(port: number, blockMs: number, signal: AbortSignal): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  signal.addEventListener('abort', () => socket.destroy(signal.reason))
  await once(socket, 'connect')
  socket.write('a question')
  readFile(fileURLToPath(import.meta.url), () => block(blockMs))
  const [answer] = await once(socket, 'data')
  socket.destroy()
  return String(answer)
}

describe('a time limit that passes while the event loop is blocked', () => {
  it('does not fail a task whose answer has arrived in time', async () => {
    const port = await answeringServer()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 10 }).start()
    for (let n = 0; n < 10; n++) {
      const task = pool.queueTask(({ signal }) => askAndBlock(port, 300, signal), { timeoutMs: 100 })
      expect(await task.result()).toBe('the answer')
    }
  })

  it('fails a task whose answer has not arrived', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 10 }).start()
    const task = pool.queueTask(
      ({ signal }) => {
        readFile(fileURLToPath(import.meta.url), () => block(50))
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
      { timeoutMs: 20 }
    )
    await expect(task.result()).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT' })
  })
})
