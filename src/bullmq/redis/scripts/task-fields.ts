/**
 * What is read of a task: BullMQ's fields of its hash, then ours.
 *
 * - `about`, in `opts`: what never changes, as the submitter gave it
 * - `rev`: number of changes that we have made; `calls`: number of calls of the handler
 * - `open`: token and number of the claim whose call has begun and has not ended; `failures`: what `retry.attempts` counts
 * - `cancelAt`, `cancelWhy`: the first cancel request; `end`: how the task ended, unless its function returned
 */
export const TASK_FIELDS = [
  ...['name', 'opts', 'timestamp', 'finishedOn', 'returnvalue', 'progress', 'ats', 'stc'],
  ...['rev', 'calls', 'startedAt', 'cancelAt', 'end']
] as const

/** The fields, and whether a worker holds the task. */
export type TaskFields = { readonly [F in (typeof TASK_FIELDS)[number] | 'lock']: string | null }

/** A Lua function that reads them in one step: the fields in their order, then 1 or 0 for the lock. */
export const READ = `
local function read(job, lock)
  local found = redis.call('HMGET', job, ${TASK_FIELDS.map((field) => `'${field}'`).join(', ')})
  found[${TASK_FIELDS.length + 1}] = redis.call('EXISTS', lock)
  return found
end`

/** The answer of the Lua function; `undefined` when there is no such task. */
export function taskFields(answer: readonly (string | number | null)[]): TaskFields | undefined {
  if (answer[0] === null) return undefined
  const names = [...TASK_FIELDS, 'lock'] as const
  const entries = names.map((name, index) => [name, answer[index]] as const)
  return Object.fromEntries(entries.map(([name, value]) => [name, value === null ? null : String(value)])) as TaskFields
}
