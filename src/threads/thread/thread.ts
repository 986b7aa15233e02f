/** What Piscina calls in each thread: first with the port, then for each attempt of a task. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { read } from '../../contract/task-record.js'
import type { Call, Connection } from '../messages.js'
import { ThreadPort } from './thread-port.js'

let port: ThreadPort

export async function run(request: Connection | Call): Promise<void> {
  if ('port' in request) port = new ThreadPort(request.port, load)
  else await port.run(request)
}

/** Imports a file. On Node 20 a loader of TypeScript, such as tsx, is there for `require` only in a thread. */
async function load(file: string): Promise<unknown> {
  try {
    return await import(file)
  } catch (error) {
    const require = createRequire(file)
    if (read(error, 'code') !== 'ERR_UNKNOWN_FILE_EXTENSION' || !('.ts' in require.extensions)) throw error
    return require(fileURLToPath(file))
  }
}
