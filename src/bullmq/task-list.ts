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

/** Lists tasks: of each place those that came to it last. */
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
    const ids = (await Promise.all(places.map((place) => this.#ids(place, limit)))).flat()
    const fields = await Promise.all([...new Set(ids)].map((id) => this.#commands.read(id)))
    return fields
      .flatMap((each) => (each === undefined ? [] : recordOf(each)))
      .filter((record) => (state ?? record.state) === record.state && (key ?? record.key) === record.key)
      .sort((a, b) => Date.parse(b.queuedAt) - Date.parse(a.queuedAt))
      .slice(0, limit)
  }

  async #ids(place: Place, limit: number): Promise<readonly string[]> {
    const key = this.#keys.of(place)
    const jobIds = await (LISTS.has(place)
      ? this.#client.lrange(key, 0, limit - 1)
      : this.#client.zrevrange(key, 0, limit - 1))
    return jobIds.map(ticketOf)
  }
}
