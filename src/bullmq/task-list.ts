import type { Redis } from 'ioredis'
import type { TaskRecord, TaskState } from '../contract/task-record.js'
import type { Commands } from './redis/commands.js'
import { type Keys, ticketOf } from './redis/keys.js'
import { recordOf } from './task-text.js'

/** Where BullMQ has the tasks of a state. */
const PLACES = {
  queued: ['wait', 'paused', 'prioritized', 'delayed', 'active'],
  running: ['active'],
  succeeded: ['completed'],
  failed: ['failed'],
  canceled: ['failed']
} as const satisfies Record<TaskState, readonly unknown[]>

const EVERYWHERE = ['wait', 'paused', 'prioritized', 'delayed', 'active', 'completed', 'failed'] as const

type Place = (typeof EVERYWHERE)[number]

const LISTS: ReadonlySet<Place> = new Set(['wait', 'paused', 'active'])

/** Where the first is not the newest. */
const UNORDERED: ReadonlySet<Place> = new Set(['prioritized', 'delayed'])

/** How many tasks of a place are read at once, and at most. */
const [PAGE, MOST] = [100, 1_000]

type IsAsked = (record: TaskRecord) => boolean

/** Lists tasks. Those are sought among the first of each place. */
export class TaskList {
  readonly #client: Redis
  readonly #keys: Keys
  readonly #commands: Commands

  constructor(client: Redis, keys: Keys, commands: Commands) {
    this.#client = client
    this.#keys = keys
    this.#commands = commands
  }

  async newest(state: TaskState | undefined, key: string | undefined, limit: number): Promise<readonly TaskRecord[]> {
    const places: readonly Place[] = state === undefined ? EVERYWHERE : PLACES[state]
    const isAsked: IsAsked = (record) => (state ?? record.state) === record.state && (key ?? record.key) === record.key
    const found = (await Promise.all(places.map((place) => this.#find(place, isAsked, limit)))).flat()
    return [...new Map(found.map((record) => [record.id, record])).values()] // one may have come to another place
      .sort((a, b) => Date.parse(b.queuedAt) - Date.parse(a.queuedAt))
      .slice(0, limit)
  }

  async #find(place: Place, isAsked: IsAsked, limit: number): Promise<readonly TaskRecord[]> {
    const enough = UNORDERED.has(place) ? MOST : limit
    const found: TaskRecord[] = []
    for (let from = 0; from < MOST && found.length < enough; from += PAGE) {
      const ids = await this.#ids(place, from)
      const fields = await Promise.all(ids.map((id) => this.#commands.read(id)))
      found.push(...fields.flatMap((each) => (each === undefined ? [] : recordOf(each))).filter(isAsked))
      if (ids.length < PAGE) break
    }
    return found
  }

  async #ids(place: Place, from: number): Promise<readonly string[]> {
    const [key, to] = [this.#keys.of(place), from + PAGE - 1]
    const jobIds = await (LISTS.has(place) ? this.#client.lrange(key, from, to) : this.#client.zrevrange(key, from, to))
    return jobIds.map(ticketOf)
  }
}
