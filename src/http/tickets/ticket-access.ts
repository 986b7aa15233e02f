import { text } from '../../contract/checks.js'
import { isPoolError } from '../../contract/errors.js'
import type { Task } from '../../contract/task-contract.js'
import { read, type TaskRecord, type TaskState } from '../../contract/task-record.js'
import { allowListeners } from '../../ports/abort-controller.js'
import type { Hooks } from '../wire/hooks.js'
import type { HttpRequest, OwnedRequest } from '../wire/request.js'
import { lookedUp } from '../wire/store-failure.js'
import { RecordTask } from './record-task.js'
import { decodeTicket } from './ticket-id.js'
import type { TicketLookup } from './ticket-lookup.js'
import type { TaskQuery, TicketPool } from './ticket-pool.js'
import type { FoundTicket } from './ticket-replies.js'

/** How many tasks are examined for a list. */
const MAX_CANDIDATES = 1_000

/** The application's rules of access, as in its options. */
export interface AccessRules {
  readonly owner: ((request: HttpRequest) => string | undefined | PromiseLike<string | undefined>) | undefined
  readonly authorize: ((request: OwnedRequest, record: TaskRecord) => boolean | PromiseLike<boolean>) | undefined
}

/** The parts that the access uses. */
export interface AccessParts {
  readonly pool: Pick<TicketPool, 'tasks'>
  readonly lookup: TicketLookup
  readonly rules: AccessRules
  readonly hooks: Hooks
}

/** The tasks that a list may contain, newest first, and in the order in which they are examined. */
interface Candidates {
  readonly inOrder: readonly Task[]
  readonly toExamine: readonly Task[]
}

/** Finds tickets for clients, and only those that the client may see. */
export class TicketAccess {
  readonly #pool: Pick<TicketPool, 'tasks'>
  readonly #lookup: TicketLookup
  readonly #rules: AccessRules
  readonly #hooks: Hooks

  constructor({ pool, lookup, hooks, rules: { owner, authorize } }: AccessParts) {
    this.#pool = pool
    this.#lookup = lookup
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
    allowListeners(signal) // the application's: as on the signal of a task
    const name = owner === undefined ? owner : text('owner', owner)
    return { ...request, method, target, headers, body, signal, owner: name, once: {} }
  }

  /**
   * The task with this id, if the client may see it.
   *
   * @throws StoreFailure when that cannot be known
   */
  async find(request: OwnedRequest, id: string): Promise<Task | undefined> {
    const task = this.#lookup.here(id) ?? (await this.#lookup.elsewhere(id))
    if (task === undefined || this.#rules.authorize === undefined) return task // without making a record
    return (await this.permits(request, task.record())) ? task : undefined
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

  /** The newest tickets that the client may see, newest first. */
  async list(request: OwnedRequest, state: TaskState | undefined, limit: number): Promise<readonly FoundTicket[]> {
    const { inOrder, toExamine } = await lookedUp(() => this.#candidates(request, state))
    const found = new Map<Task, TaskRecord>()
    for (const task of toExamine) {
      if (found.size === limit || request.signal.aborted) break
      const record = task.record()
      const matches = state === undefined || record.state === state // it may have changed while `authorize` ran
      if (matches && (await this.permits(request, record))) found.set(task, record)
    }
    return inOrder.flatMap((task) => {
      const record = found.get(task)
      return record === undefined ? [] : { task, record }
    })
  }

  /** The task whose id a `DuplicateTaskError` names, if it belongs to the client. */
  async ownDuplicate(request: OwnedRequest, error: unknown): Promise<Task | undefined> {
    if (request.owner === undefined || !isPoolError(error) || error.code !== 'ERR_DUPLICATE_TASK') return undefined
    const task = await this.find(request, String(read(error, 'id'))).catch(() => undefined)
    return task?.key === request.owner ? task : undefined
  }

  /**
   * The newest tasks; with more of them than are examined, the client's own are examined first. The order is the pool's:
   * times of the wall clock do not order tasks once that clock was stepped.
   */
  async #candidates({ owner }: OwnedRequest, state: TaskState | undefined): Promise<Candidates> {
    const newest = await this.#tasks({ state, limit: MAX_CANDIDATES })
    if (newest.length < MAX_CANDIDATES || owner === undefined) return { inOrder: newest, toExamine: newest }
    const own = await this.#tasks({ state, key: owner, limit: MAX_CANDIDATES })
    return { inOrder: distinct(newest, own), toExamine: distinct(own, newest) } // those of `own` alone are older
  }

  async #tasks(query: TaskQuery): Promise<readonly Task[]> {
    return (await this.#pool.tasks(query)).map((each) => this.#lookup.taskOf(each))
  }

  /** Whether the client may see a ticket. An error of `authorize` denies it and is reported. */
  async permits(request: OwnedRequest, record: TaskRecord): Promise<boolean> {
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

/** A task that is known by its record has a handle of its own in each list. */
function distinct(first: readonly Task[], second: readonly Task[]): readonly Task[] {
  const found = new Map<unknown, Task>()
  for (const task of [...first, ...second]) {
    const same = task instanceof RecordTask ? task.id : task
    if (!found.has(same)) found.set(same, task)
  }
  return [...found.values()]
}
