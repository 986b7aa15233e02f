import { text } from '../../contract/checks.js'
import { isPoolError } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import { read, type TaskRecord, type TaskState } from '../../contract/task-record.js'
import type { Hooks } from '../wire/hooks.js'
import type { HttpRequest, OwnedRequest } from '../wire/request.js'
import { decodeTicket } from './ticket-id.js'
import type { TicketPool } from './ticket-pool.js'
import type { FoundTicket } from './ticket-replies.js'

/** How many tasks are examined for a list. */
const MAX_CANDIDATES = 1_000

/** The application's rules of access, as in its options. */
export interface AccessRules {
  readonly owner: ((request: HttpRequest) => string | undefined | PromiseLike<string | undefined>) | undefined
  readonly authorize: ((request: OwnedRequest, record: TaskRecord) => boolean | PromiseLike<boolean>) | undefined
}

/** Finds tickets for clients, and only those that the client may see. */
export class TicketAccess {
  readonly #pool: TicketPool
  readonly #rules: AccessRules
  readonly #hooks: Hooks

  constructor(pool: TicketPool, { owner, authorize }: AccessRules, hooks: Hooks) {
    this.#pool = pool
    this.#rules = { owner, authorize }
    this.#hooks = hooks
  }

  /**
   * The request with its owner.
   *
   * @throws what the `owner` hook throws; TypeError or RangeError when it returns anything but a name or `undefined`
   */
  async identify(request: HttpRequest): Promise<OwnedRequest> {
    const owner = await this.#rules.owner?.(request)
    // Each property by name: an adapter's request may be an instance of a class with getters, which spreading omits.
    const { method, target, headers, body, signal } = request
    const name = owner === undefined ? owner : text('owner', owner)
    return { ...request, method, target, headers, body, signal, owner: name }
  }

  /** The task with this id, if the client may see it. */
  async find(request: OwnedRequest, id: string): Promise<Task | undefined> {
    const task = this.#pool.task(id)
    if (task === undefined || this.#rules.authorize === undefined) return task // without making a record
    return (await this.#allows(request, task.record())) ? task : undefined
  }

  /** The same for a path segment, with the identified request. */
  async findBySegment(
    request: HttpRequest,
    segment: string
  ): Promise<{ readonly task: Task; readonly request: OwnedRequest } | undefined> {
    const owned = await this.identify(request)
    const id = decodeTicket(segment)
    const task = id === undefined ? undefined : await this.find(owned, id)
    return task === undefined ? undefined : { task, request: owned }
  }

  /** The newest tickets that the client may see. */
  async list(request: OwnedRequest, state: TaskState | undefined, limit: number): Promise<readonly FoundTicket[]> {
    const found: FoundTicket[] = []
    for (const task of this.#candidates(request, state)) {
      if (found.length === limit || request.signal.aborted) break
      const record = task.record()
      const matches = state === undefined || record.state === state // it may have changed while `authorize` ran
      if (matches && (await this.#allows(request, record))) found.push({ task, record })
    }
    return found.sort((a, b) => Date.parse(b.record.queuedAt) - Date.parse(a.record.queuedAt))
  }

  /** The task whose id a `DuplicateTaskError` names, if it belongs to the client. */
  async ownDuplicate(request: OwnedRequest, error: unknown): Promise<Task | undefined> {
    if (request.owner === undefined || !isPoolError(error) || error.code !== 'ERR_DUPLICATE_TASK') return undefined
    const task = await this.find(request, String(read(error, 'id')))
    return task?.key === request.owner ? task : undefined
  }

  /** The newest tasks; with more of them than are examined, the client's own first. */
  #candidates({ owner }: OwnedRequest, state: TaskState | undefined): readonly Task[] {
    const newest = this.#pool.tasks({ state, limit: MAX_CANDIDATES })
    if (newest.length < MAX_CANDIDATES || owner === undefined) return newest
    return [...new Set([...this.#pool.tasks({ state, key: owner, limit: MAX_CANDIDATES }), ...newest])]
  }

  async #allows(request: OwnedRequest, record: TaskRecord): Promise<boolean> {
    const { authorize } = this.#rules
    if (authorize === undefined) return true
    try {
      return (await authorize(request, record)) === true
    } catch (error) {
      this.#hooks.report(error, request)
      return false
    }
  }
}
