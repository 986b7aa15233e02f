import type { Redis } from 'ioredis'
import { admitted } from './scripts/admit.js'
import { announced } from './scripts/finish.js'

/** What becomes of a script of BullMQ. */
type Change = (lua: string) => string

/**
 * Changes scripts of BullMQ when it defines them on this connection: each of ours is one step with the one that it is put
 * before. BullMQ appends its version to the names.
 *
 * @param capacity - the most tasks that may wait
 * @returns a check that BullMQ has defined them, for when it is ready; throws otherwise
 */
export function changeScripts(client: Redis, capacity: number): () => void {
  const admit: Change = (lua) => admitted(capacity, lua)
  const changes: ReadonlyMap<string, Change> = new Map([
    ['addPrioritizedJob', admit],
    ['addDelayedJob', admit],
    ['moveToFinished', announced]
  ])
  const define = client.defineCommand.bind(client)
  const missing = new Set(changes.keys())
  client.defineCommand = (name, definition) => {
    const [word = ''] = name.split(':')
    const change = changes.get(word)
    missing.delete(word)
    return define(name, change === undefined ? definition : { ...definition, lua: change(definition.lua) })
  }
  return () => {
    if (missing.size > 0) throw new Error(`This version of BullMQ does not have the script ${[...missing].join(', ')}.`)
  }
}
