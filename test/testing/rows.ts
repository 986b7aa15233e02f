import type { OpenStore, StoredTask } from '../../src/contract/store.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { TicketCipher } from '../../src/ports/ticket-cipher.js'

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

export const insert = (...rows: readonly StoredTask[]) => ({ insert: rows, update: [], remove: [] })
export const update = (...rows: readonly StoredTask[]) => ({ insert: [], update: rows, remove: [] })
export const remove = (...seqs: readonly number[]) => ({ insert: [], update: [], remove: seqs })
