import type { Redis } from 'ioredis'
import { admitted } from './scripts/admit.js'
import { announced } from './scripts/finish.js'

/** What becomes of a script of BullMQ. */
interface Change {
  /** Lines by which the script shows that its arguments are where ours reads them. */
  readonly knownBy: readonly string[]
  readonly changed: (lua: string) => string
}

/**
 * Changes scripts of BullMQ when it defines them on this connection: each of ours is one step with the one that it is put
 * before. BullMQ appends its version to the names.
 *
 * @param capacity - the most tasks that may wait
 * @returns a check that BullMQ has defined them, and as they are known, for when it is ready; throws otherwise
 */
export function changeScripts(client: Redis, capacity: number): () => void {
  const admission: Change = {
    knownBy: ['local args = cmsgpack.unpack(ARGV[1])', 'jobIdKey = args[1] .. jobId', 'jobId = args[2]'],
    changed: (lua) => admitted(capacity, lua)
  }
  const changes: ReadonlyMap<string, Change> = new Map([
    ['addPrioritizedJob', admission],
    ['addDelayedJob', admission],
    ['moveToFinished', { knownBy: ['local jobIdKey = KEYS[12]'], changed: announced }]
  ])
  const missing = new Set(changes.keys())
  const changedLua = (name: string, lua: string): string => {
    const change = changes.get(name)
    if (change === undefined || !change.knownBy.every((line) => lua.includes(line))) return lua
    missing.delete(name)
    return change.changed(lua)
  }
  const define = client.defineCommand.bind(client)
  client.defineCommand = (name, { lua, ...definition }) => {
    const [word = ''] = name.split(':')
    return define(name, { ...definition, lua: changedLua(word, lua) })
  }
  return () => {
    if (missing.size > 0)
      throw new Error(
        `This version of BullMQ does not have these scripts as they are known: ${[...missing].join(', ')}.`
      )
  }
}
