import type { Task } from '../task-contract.js'
import { ownedRequest } from './owned-request.js'
import type { HttpRequest, OwnedRequest } from './request.js'
import type { TicketSettings } from './settings.js'
import { decodeTicket } from './ticket-id.js'
import type { TicketPool } from './ticket-pool.js'

/** A ticket that the client may be told about. */
export interface FoundTicket {
  readonly task: Task
  readonly request: OwnedRequest
}

/** Finds tickets for clients: the one way to them. */
export class TicketAccess {
  readonly #pool: TicketPool
  readonly #settings: TicketSettings

  constructor(pool: TicketPool, settings: TicketSettings) {
    this.#pool = pool
    this.#settings = settings
  }

  /** The ticket of a path segment; `undefined` when there is none. */
  async find(request: HttpRequest, segment: string): Promise<FoundTicket | undefined> {
    const id = decodeTicket(segment)
    const owned = await ownedRequest(request, this.#settings.owner)
    const task = id === undefined ? undefined : this.#pool.task(id)
    return task === undefined ? undefined : { task, request: owned }
  }
}
