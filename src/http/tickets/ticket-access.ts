import { isPoolError } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import { read, type TaskRecord, type TaskState } from '../../contract/task-record.js'
import type { Refusals } from '../wire/refusals.js'
import type { TicketSettings } from '../settings.js'
import type { HttpRequest, OwnedRequest } from '../wire/request.js'
import { ownedRequest } from './owned-request.js'
import { decodeTicket } from './ticket-id.js'
import type { TicketPool } from './ticket-pool.js'
import type { FoundTicket } from './ticket-replies.js'

/** So many tasks are looked through for a list. */
const MOST = 1_000

/** The one way from clients to tickets: none is told of but those that the client may see. */
export class TicketAccess {
  readonly #pool: TicketPool
  readonly #settings: TicketSettings
  readonly #refusals: Refusals

  constructor(pool: TicketPool, settings: TicketSettings, refusals: Refusals) {
    this.#pool = pool
    this.#settings = settings
    this.#refusals = refusals
  }

  /** The request and who sent it. */
  identify(request: HttpRequest): Promise<OwnedRequest> {
    return ownedRequest(request, this.#settings.owner)
  }

  /** The ticket with this id; `undefined` when there is none, for this client. */
  async find(request: OwnedRequest, id: string): Promise<Task | undefined> {
    const task = this.#pool.task(id)
    if (task === undefined || this.#settings.authorize === undefined) return task // spares a poll one record
    return (await this.#allows(request, task.record())) ? task : undefined
  }

  /** The same for a segment of a path, with who asked. */
  async findBySegment(
    request: HttpRequest,
    segment: string
  ): Promise<{ readonly task: Task; readonly request: OwnedRequest } | undefined> {
    const owned = await this.identify(request)
    const id = decodeTicket(segment)
    const task = id === undefined ? undefined : await this.find(owned, id)
    return task === undefined ? undefined : { task, request: owned }
  }

  /** The newest that the client may see. */
  async list(request: OwnedRequest, state: TaskState | undefined, limit: number): Promise<readonly FoundTicket[]> {
    const found: FoundTicket[] = []
    for (const task of this.#candidates(request, state)) {
      if (found.length === limit || request.signal.aborted) break
      const record = task.record()
      const isAsked = state === undefined || record.state === state // it may have changed while others were judged
      if (isAsked && (await this.#allows(request, record))) found.push({ task, record })
    }
    return found.sort((a, b) => Date.parse(b.record.queuedAt) - Date.parse(a.record.queuedAt))
  }

  /** The task that has the id which an error says is taken, if it is the client's own. */
  async ownDuplicate(request: OwnedRequest, error: unknown): Promise<Task | undefined> {
    if (request.owner === undefined || !isPoolError(error) || error.code !== 'ERR_DUPLICATE_TASK') return undefined
    const task = await this.find(request, String(read(error, 'id')))
    return task?.key === request.owner ? task : undefined
  }

  /** The newest of all; the client's own before them, where there are more than are looked through. */
  #candidates({ owner }: OwnedRequest, state: TaskState | undefined): readonly Task[] {
    const newest = this.#pool.tasks({ state, limit: MOST })
    if (newest.length < MOST || owner === undefined) return newest
    return [...new Set([...this.#pool.tasks({ state, key: owner, limit: MOST }), ...newest])]
  }

  async #allows(request: OwnedRequest, record: TaskRecord): Promise<boolean> {
    const { authorize } = this.#settings
    if (authorize === undefined) return true
    try {
      return (await authorize(request, record)) === true
    } catch (error) {
      this.#refusals.report(error, request)
      return false
    }
  }
}
