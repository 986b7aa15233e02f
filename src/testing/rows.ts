import type { OpenStore, StoreBatch, StoredTask } from '../contract/store.js'
import { systemClock } from '../ports/system-clock.js'
import { TicketCipher } from '../ports/ticket-cipher.js'

/** What a row has when its task has succeeded. */
export const ENDED = {
  state: 'succeeded',
  attempt: 1,
  startedAt: 1_100,
  settledAt: 1_200,
  outcome: '{"result":2}'
} as const

/** Rows for a store: queued tasks that were accepted at 1,000 ms, with tickets that contain their number. */
export const rowsFor = ({ secret }: OpenStore): ((seq: number, parts?: Partial<StoredTask>) => StoredTask) => {
  const cipher = new TicketCipher(secret, systemClock.randomBytes)
  return (seq, parts) => ({
    ...{ seq, id: cipher.seal(seq), chosen: false, name: 'job', key: null, priority: 0, queuedAt: 1_000 },
    ...{ input: '{"n":1}', options: null, metadata: null, fingerprint: null, state: 'queued', ord: seq, attempt: 0 },
    ...{ failures: 0, revision: 1, crashes: 0, startedAt: null, dueAt: null, cancelAt: null, settledAt: null },
    outcome: null,
    ...parts
  })
}

export const insert = (...rows: readonly StoredTask[]): StoreBatch => ({ insert: rows, update: [], remove: [] })
export const update = (...rows: readonly StoredTask[]): StoreBatch => ({ insert: [], update: rows, remove: [] })
export const remove = (...seqs: readonly number[]): StoreBatch => ({ insert: [], update: [], remove: seqs })
