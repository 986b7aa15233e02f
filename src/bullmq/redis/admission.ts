import type { Queue } from 'bullmq'
import { type TaskFields, taskFields } from './scripts/task-fields.js'

/** The verdict on a new task: whether it was added, what was queued and running instead, or the task that has its id. */
export type Verdict =
  | { readonly verdict: 'added' }
  | { readonly verdict: 'full'; readonly queued: number; readonly running: number }
  | { readonly verdict: 'taken'; readonly fields: TaskFields }

/** Adds a job by a connection whose scripts are changed: what the script returns is what BullMQ takes for the id. */
export async function addBound(queue: Queue, ...job: Parameters<Queue['add']>): Promise<Verdict> {
  const { id } = (await queue.add(...job)) as { readonly id: unknown }
  if (!Array.isArray(id)) return { verdict: 'added' }
  const [verdict, ...rest] = id as ['taken' | 'full', ...unknown[]]
  if (verdict === 'taken') return { verdict, fields: taskFields(rest[0] as []) as TaskFields }
  const [queued, running] = rest as [number, number]
  return { verdict, queued, running }
}
