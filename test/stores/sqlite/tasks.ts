import type { StoreBatch, StoredTask } from '../../../src/contract/store.js'

/** A queued task with this number. */
export const task = (seq: number, changes: Partial<StoredTask> = {}): StoredTask => ({
  seq,
  id: `task-${seq}`,
  chosen: true,
  name: 'send',
  key: null,
  priority: 0,
  queuedAt: 1_700_000_000_000 + seq,
  input: JSON.stringify({ to: seq }),
  options: null,
  metadata: null,
  fingerprint: null,
  state: 'queued',
  ord: seq,
  attempt: 0,
  failures: 0,
  revision: 0,
  crashes: 0,
  startedAt: null,
  dueAt: null,
  cancelAt: null,
  settledAt: null,
  outcome: null,
  ...changes
})

/** The same task, ended. */
export const ended = (seq: number, changes: Partial<StoredTask> = {}): StoredTask =>
  task(seq, {
    state: 'succeeded',
    attempt: 1,
    revision: 2,
    startedAt: 1_700_000_000_500 + seq,
    settledAt: 1_700_000_001_000 + seq,
    input: null,
    outcome: JSON.stringify({ result: seq }),
    ...changes
  })

export const batch = (parts: Partial<StoreBatch>): StoreBatch => ({ insert: [], update: [], remove: [], ...parts })

/** Numbers from the first to the last. */
export const numbers = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)
