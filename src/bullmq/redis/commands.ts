import type { Redis } from 'ioredis'
import type { CancelOutcome } from '../../contract/task-contract.js'
import { jobIdOf, type Keys } from './keys.js'
import { COUNT } from './scripts/admit.js'
import { CANCEL, LOOK } from './scripts/cancel.js'
import { BEGIN, END, LEAVE, PROGRESS } from './scripts/claim.js'
import { READ_TASK } from './scripts/read.js'
import { type TaskFields, taskFields } from './scripts/task-fields.js'

/** A claim of a task, by the token that BullMQ gave it. */
export interface Claimed {
  readonly id: string
  readonly token: string
}

/** A request that a task be canceled. */
export interface CancelRequest {
  readonly now: number
  /** How it ends if it is queued. */
  readonly end: string
  /** The reason as JSON text; empty for none. */
  readonly why: string
  /** Of ended tasks; either may be `Infinity`. */
  readonly retention: { readonly count: number; readonly ms: number }
}

/** Whether a claim may call the handler. */
export type Begun =
  | { readonly answer: 'begun'; readonly calls: number; readonly failures: number }
  | { readonly answer: 'canceled'; readonly why: string }
  | { readonly answer: 'interrupted' | 'lost' }

const SCRIPTS = {
  ...{ read: READ_TASK, cancel: CANCEL, look: LOOK, count: COUNT },
  ...{ begin: BEGIN, leave: LEAVE, end: END, progress: PROGRESS }
} as const

type Name = keyof typeof SCRIPTS

/** What we ask of Redis besides BullMQ: each method is one script, one step and one round trip. */
export class Commands {
  readonly #client: Redis
  readonly #keys: Keys

  constructor(client: Redis, keys: Keys) {
    this.#client = client
    this.#keys = keys
    for (const [name, lua] of Object.entries(SCRIPTS)) client.defineCommand(`coatcheck:${name}`, { lua })
  }

  async read(id: string): Promise<TaskFields | undefined> {
    const answer = await this.#run('read', [this.#keys.job(id), this.#keys.lock(id)])
    return taskFields(answer as (string | number | null)[])
  }

  async cancel(id: string, { now, end, why, retention }: CancelRequest): Promise<CancelOutcome> {
    const lists = (['wait', 'paused', 'prioritized', 'delayed', 'failed'] as const).map((name) => this.#keys.of(name))
    const request = [jobIdOf(id), now, end, why, this.#keys.changes(id), this.#keys.cancels, id]
    const kept = [retention.count, Math.max(now - retention.ms, 0), this.#keys.jobs]
    return (await this.#run('cancel', [this.#keys.job(id), ...lists], ...request, ...kept)) as CancelOutcome
  }

  /** The reasons of those that were asked to end; null for the others. */
  async look(ids: readonly string[]): Promise<readonly (string | null)[]> {
    const keys = ids.map((id) => this.#keys.job(id))
    return (await this.#run('look', keys)) as readonly (string | null)[]
  }

  /** Queued, delayed, running, completed and failed. */
  async count(): Promise<readonly number[]> {
    const names = ['wait', 'paused', 'prioritized', 'delayed', 'active', 'completed', 'failed'] as const
    return (await this.#run(
      'count',
      names.map((name) => this.#keys.of(name))
    )) as readonly number[]
  }

  async begin({ id, token }: Claimed, now: number, rerun: boolean): Promise<Begun> {
    const answer = await this.#run('begin', this.#held(id), token, now, rerun ? 1 : 0, this.#keys.changes(id))
    const [word, ...rest] = answer as [Begun['answer'], ...string[]]
    if (word === 'begun') return { answer: word, calls: Number(rest[0]), failures: Number(rest[1]) }
    return word === 'canceled' ? { answer: word, why: String(rest[0]) } : { answer: word }
  }

  /** Whether the claim still held the task, as of the next two. */
  async leave({ id, token }: Claimed, calls: number, failures: number): Promise<boolean> {
    return (await this.#run('leave', this.#held(id), token, calls, failures, this.#keys.changes(id))) === 1
  }

  async end({ id, token }: Claimed, end: string): Promise<boolean> {
    return (await this.#run('end', this.#held(id), token, end)) === 1
  }

  async progress({ id, token }: Claimed, progress: string): Promise<boolean> {
    return (await this.#run('progress', this.#held(id), token, progress, this.#keys.changes(id))) === 1
  }

  #held(id: string): readonly string[] {
    return [this.#keys.job(id), this.#keys.lock(id)]
  }

  #run(name: Name, keys: readonly string[], ...args: readonly (string | number)[]): Promise<unknown> {
    const run = Reflect.get(this.#client, `coatcheck:${name}`) as (...args: readonly unknown[]) => Promise<unknown>
    return run.call(this.#client, keys.length, ...keys, ...args)
  }
}
