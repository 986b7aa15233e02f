import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { admitted } from './scripts/admit.js'
import { type TaskFields, taskFields } from './scripts/task-fields.js'

/** BullMQ's scripts that add a job with a priority, as all tasks have. It appends its version to their names. */
const ADDS = /^add(?:Prioritized|Delayed)Job:/

/** The verdict on a new task: whether it was added, what was queued and running instead, or the task that has its id. */
export type Verdict =
  | { readonly verdict: 'added' }
  | { readonly verdict: 'full'; readonly queued: number; readonly running: number }
  | { readonly verdict: 'taken'; readonly fields: TaskFields }

/**
 * Puts the bound before the scripts that BullMQ will define on this connection.
 *
 * @returns a check that it has defined them, for when its queue is ready; throws otherwise
 */
export function boundAdds(client: Redis, capacity: number): () => void {
  const define = client.defineCommand.bind(client)
  let bound = 0
  client.defineCommand = (name, definition) => {
    if (!ADDS.test(name)) return define(name, definition)
    bound++
    return define(name, { ...definition, lua: admitted(capacity, definition.lua) })
  }
  return () => {
    if (bound !== 2) throw new Error('This version of BullMQ adds jobs by scripts that are not known here.')
  }
}

/** Adds a job by a connection with the bound: what its script returns is what BullMQ takes for its id. */
export async function addBound(queue: Queue, ...job: Parameters<Queue['add']>): Promise<Verdict> {
  const { id } = (await queue.add(...job)) as { readonly id: unknown }
  if (!Array.isArray(id)) return { verdict: 'added' }
  const [verdict, ...rest] = id as ['taken' | 'full', ...unknown[]]
  if (verdict === 'taken') return { verdict, fields: taskFields(rest[0] as []) as TaskFields }
  const [queued, running] = rest as [number, number]
  return { verdict, queued, running }
}
