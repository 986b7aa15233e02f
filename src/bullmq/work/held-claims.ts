import { LeaseLostError } from '../../contract/store-errors.js'
import type { Task } from '../../contract/task-contract.js'
import type { ErrorRecord } from '../../contract/task-record.js'
import type { Clock, Timer } from '../../ports/clock.js'
import { errorFrom } from '../task-text.js'
import type { ProgressWriter } from './progress-writer.js'

/** A claim whose function runs here. */
export interface HeldClaim {
  readonly task: Task
  readonly progress: ProgressWriter
  /** When the lease was last known to be renewed. */
  renewedMs: number
  /** Whether another process may have the task. */
  isLost: boolean
}

/** Asks Redis which of the tasks were canceled, and why. */
export type Look = (ids: readonly string[]) => Promise<readonly (string | null)[]>

/**
 * The claims whose functions run here. While there are any, it looks three times in a lease for cancel requests whose message
 * was missed, and for leases that could not be renewed.
 */
export class HeldClaims {
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #look: Look
  readonly #timer: Timer
  readonly #held = new Map<string, HeldClaim>()
  #isLooking = false

  constructor(clock: Clock, leaseMs: number, look: Look) {
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#look = look
    this.#timer = clock.timer(() => this.#check())
    this.#timer.keepAlive(false)
  }

  add(task: Task, progress: ProgressWriter): HeldClaim {
    const held = { task, progress, renewedMs: this.#clock.now(), isLost: false }
    if (this.#held.size === 0) this.#timer.set(this.#leaseMs / 3)
    this.#held.set(task.id, held)
    return held
  }

  remove(id: string): void {
    this.#held.delete(id)
    if (this.#held.size === 0) this.#timer.clear()
  }

  progressed(id: string): void {
    this.#held.get(id)?.progress.changed()
  }

  /** Redis has renewed the leases of these tasks. */
  renewed(ids: readonly string[]): void {
    for (const id of ids) {
      const held = this.#held.get(id)
      if (held !== undefined) held.renewedMs = this.#clock.now()
    }
  }

  /** Another process may have these tasks. */
  lost(ids: readonly string[]): void {
    for (const id of ids) {
      const held = this.#held.get(id)
      if (held === undefined || held.isLost) continue
      held.isLost = true
      held.task.cancel(new LeaseLostError(id))
    }
  }

  /** A message says that the task was canceled; an empty one, that messages may have been missed. */
  async canceled(id: string): Promise<void> {
    const ids = id === '' ? [...this.#held.keys()] : [id].filter((each) => this.#held.has(each))
    if (ids.length === 0) return
    for (const [index, why] of (await this.#look(ids)).entries()) {
      if (why !== null) cancel(this.#held.get(ids[index] as string)?.task, why)
    }
  }

  #check(): void {
    this.#timer.set(this.#leaseMs / 3)
    const deadline = this.#clock.now() - this.#leaseMs
    this.lost([...this.#held].filter(([, { renewedMs }]) => renewedMs <= deadline).map(([id]) => id))
    if (this.#isLooking) return // Redis is away
    this.#isLooking = true
    const looked = (): void => {
      this.#isLooking = false
    }
    this.canceled('').then(looked, looked)
  }
}

/** @param why - the reason as JSON text; empty for none */
function cancel(task: Task | undefined, why: string): void {
  if (why === '') task?.cancel()
  else task?.cancel(errorFrom(JSON.parse(why) as ErrorRecord))
}
