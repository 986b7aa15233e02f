import type { TaskRecord } from '../../contract/task-record.js'
import type { Clock } from '../../ports/clock.js'
import type { TicketPool } from './ticket-pool.js'

/** How often a ticket of another process is read while a request waits for its change. */
const INTERVAL_MS = 1_000

/**
 * The records of a task of another process that are newer than the present one: those that the pool reports, or else what
 * it finds, once a second. A read that fails is repeated. Ends when the task is forgotten; throws the signal's reason.
 */
export async function* recordChanges(
  pool: TicketPool,
  clock: Pick<Clock, 'timer'>,
  present: TaskRecord,
  signal: AbortSignal = new AbortController().signal
): AsyncGenerator<TaskRecord, void, undefined> {
  const { id } = present
  if (pool.changes !== undefined) return yield* pool.changes(id, signal)
  let { revision } = present
  for (;;) {
    await pause(clock, signal)
    const record = await found(pool, id, present)
    if (record === undefined) return
    if (record.revision > revision) yield record
    revision = Math.max(revision, record.revision)
  }
}

/** What the pool finds; the present record when it cannot know. */
async function found(pool: TicketPool, id: string, present: TaskRecord): Promise<TaskRecord | undefined> {
  try {
    return await pool.findTask?.(id)
  } catch {
    return present
  }
}

/** Waits for the interval. Rejects with the signal's reason if that aborts first. */
function pause(clock: Pick<Clock, 'timer'>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      timer.clear()
      reject(signal.reason)
    }
    const timer = clock.timer(() => {
      signal.removeEventListener('abort', leave)
      resolve()
    })
    timer.keepAlive(false) // the connection keeps the process alive
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave, { once: true })
    timer.set(INTERVAL_MS)
  })
}
