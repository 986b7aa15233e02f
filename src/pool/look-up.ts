import { StoreError } from '../contract/store-errors.js'
import type { TaskRecord } from '../contract/task-record.js'
import { taskOfRow } from '../durable/restore.js'
import { derivedTicket } from '../ports/derived-ticket.js'
import type { TaskOwner } from '../task/task.js'
import type { Dispatcher } from './dispatcher.js'

const SECRET_BYTES = 32
const MAX_ID = 128

/** Finds the record of a ticket wherever it is. */
export class LookUp {
  readonly #dispatcher: Dispatcher
  readonly #rowOwner: TaskOwner
  #secret: string | undefined

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher
    this.#rowOwner = ownerOfRows(dispatcher)
    this.#secret = dispatcher.durability?.store.secret
  }

  /** In memory, then in the store, then in the mirror. */
  async find(id: unknown): Promise<TaskRecord | undefined> {
    if (typeof id !== 'string' || id.length === 0 || id.length > MAX_ID) return undefined
    const { tickets, durability, parts } = this.#dispatcher
    const task = tickets.find(id)
    if (task !== undefined) return task.record()
    const { mirror } = parts.settings
    if (durability !== null) {
      const row = await known(() => durability.store.get(id))
      if (row !== undefined && !durability.journal.removes(row.seq))
        return this.#unexpired(taskOfRow(row, this.#rowOwner).record())
    }
    return mirror === undefined ? undefined : known(() => mirror.read(id))
  }

  /** The store may keep a task longer than the pool's retention. */
  #unexpired(record: TaskRecord): TaskRecord {
    const { expiresAt, ...rest } = record
    return expiresAt !== undefined && Date.parse(expiresAt) <= this.#dispatcher.parts.clock.date() ? rest : record
  }

  ticketFor(text: string): string {
    const { clock } = this.#dispatcher.parts
    this.#secret ??= Buffer.from(clock.randomBytes(SECRET_BYTES)).toString('base64url')
    return derivedTicket(this.#secret, text)
  }
}

/** @throws StoreError in place of what a look-up throws */
async function known<T>(lookUp: () => T | Promise<T>): Promise<T> {
  try {
    return await lookUp()
  } catch (cause) {
    if (cause instanceof StoreError) throw cause
    throw new StoreError('The ticket cannot be looked up now.', { cause })
  }
}

/** The pool, as the task of a row knows it: its stamps are times of the wall clock, and nothing can be done with it. */
function ownerOfRows({ signals, retentionMs, scope }: Dispatcher): TaskOwner {
  return {
    signals,
    retentionMs,
    scope,
    stopReason: undefined,
    times: { iso: (_queuedMs, wallMs) => new Date(wallMs).toISOString() },
    issueTicket: () => {
      throw new Error('a row has its ticket')
    },
    cancel: () => false,
    forget: () => false,
    reprioritize: () => false,
    progressed: () => {},
    position: () => 0
  }
}
