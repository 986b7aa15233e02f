import type { Task } from 'coatcheck'
import { type AcceptingRoute, invalidField, type JsonObject, type Problem } from 'coatcheck/http'
import { parseGoDuration } from './go-duration.js'
import type { Work } from './work.js'

/** A full queue answers with this many seconds, as the original does. */
const BUSY_RETRY_SECONDS = 60

/**
 * `POST /queue-task` of a well-known Go article on background workers, with its texts: a body such as
 * `{ "task_id": "hello world", "work_duration": "60s" }`, the answer `task queued successfully`, the busy error.
 */
export function queueTaskRoute(queue: (work: Work) => Task): AcceptingRoute {
  return {
    path: '/queue-task',
    submit: (input) => queue({ label: taskId(input), workMs: workDuration(input), fails: false }),
    accepted: (task) => ({ body: { status: 'task queued successfully', id: task.id } }),
    refused: (problem) => {
      if (problem.code !== 'QUEUE_FULL') return { body: { ...problem, error: goText(problem) } }
      const body = { ...problem, retryAfterMs: BUSY_RETRY_SECONDS * 1_000, error: goText(problem) }
      return { body, retryAfterSeconds: BUSY_RETRY_SECONDS }
    }
  }
}

function taskId(input: JsonObject): string {
  if (!Object.hasOwn(input, 'task_id')) return ''
  const { task_id: id } = input
  if (typeof id !== 'string') throw invalidField('/task_id', 'must be a string')
  return id
}

function workDuration(input: JsonObject): number {
  const text = Object.hasOwn(input, 'work_duration') ? input['work_duration'] : undefined
  const ms = typeof text === 'string' ? parseGoDuration(text) : undefined
  if (ms === undefined) {
    throw invalidField('/work_duration', 'must be a duration such as 60s, 1h2m3.5s or 300ms, from 0 to below 2^31 ms')
  }
  return ms
}

function goText({ code, status, errors = [] }: Problem): string {
  if (code === 'QUEUE_FULL') return 'workers are busy, try again later'
  if (errors.some(({ pointer }) => pointer === '/work_duration')) return 'failed to parse work duration in request'
  return status < 500 ? 'failed to read POST body' : 'failed to queue task'
}
