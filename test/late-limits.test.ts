/** A limit that passes while the event loop is blocked, with what it waited for already there: real sockets and time. */
import { once } from 'node:events'
import { readFile } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { WorkerPool } from '../src/index.js'

/** Answers each connection at once, in a thread of its own. */
const SERVER = `
  const { parentPort } = require('node:worker_threads')
  const server = require('node:net').createServer((socket) => socket.once('data', () => socket.end('the answer')))
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address()))
`

const ended: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

async function answeringServer(): Promise<number> {
  const thread = new Worker(SERVER, { eval: true })
  ended.push(() => thread.terminate())
  const [{ port }] = (await once(thread, 'message')) as [AddressInfo]
  return port
}

/** Asks the server; blocks the event loop from an I/O callback until the limit is long over. */
async function askAndBlock(port: number, blockMs: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let answer = ''
  socket.on('data', (data) => {
    answer += String(data)
  })
  socket.write('a question')
  readFile(fileURLToPath(import.meta.url), () => {
    const end = performance.now() + blockMs
    while (performance.now() < end);
  })
  await once(socket, 'end')
  return answer
}

describe('a time limit that passes while the event loop is blocked', () => {
  it('does not fail a task whose answer has arrived in time', async () => {
    const port = await answeringServer()
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 10 }).start()
    for (let n = 0; n < 10; n++) {
      const task = pool.queueTask(() => askAndBlock(port, 300), { timeoutMs: 100 })
      expect(await task.result()).toBe('the answer')
    }
  })

  it('fails a task whose answer has not arrived', async () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 10 }).start()
    const task = pool.queueTask(
      ({ signal }) => {
        readFile(fileURLToPath(import.meta.url), () => {
          const end = performance.now() + 50
          while (performance.now() < end);
        })
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
      { timeoutMs: 20 }
    )
    await expect(task.result()).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT' })
  })
})
