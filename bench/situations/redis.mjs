/** A Redis on a socket of its own, with nothing in it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** @typedef {{ socket: string, end: () => Promise<void> }} Redis */

/**
 * Answers `undefined` where there is no `redis-server`. It keeps nothing on its disk unless it is set to.
 *
 * @type {(...settings: readonly string[]) => Promise<Redis | undefined>}
 */
export const startRedis = async (...settings) => {
  const directory = await mkdtemp(join(tmpdir(), 'redis-'))
  const socket = join(directory, 'socket')
  const args = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    directory,
    ...settings
  ]
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = () => server.kill()
  process.once('exit', kill)
  const removed = () => rm(directory, { recursive: true, force: true })
  try {
    await once(server, 'spawn')
  } catch {
    await removed()
    return undefined
  }
  for await (const line of createInterface(server.stdout)) {
    if (!/ready to accept connections/i.test(line)) continue
    server.stdout.resume()
    return {
      socket,
      end: async () => {
        const ended = once(server, 'exit')
        kill()
        await ended
        process.off('exit', kill)
        await removed()
      }
    }
  }
  await removed()
  throw new Error('redis-server ended before it was ready.')
}
