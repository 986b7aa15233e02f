import type { TaskRecord } from 'coatcheck'

/** A record of a task. */
export const record = (id: string, more: Partial<TaskRecord> = {}): TaskRecord => ({
  id,
  name: 'resize',
  state: 'queued',
  attempt: 0,
  revision: 1,
  queuedAt: '2030-01-01T00:00:00.000Z',
  ...more
})

/** How long the records of the tests are kept. */
export const TTL_MS = 600_000
