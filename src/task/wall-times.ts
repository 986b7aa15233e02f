import type { Clock } from '../ports/clock.js'
import type { Turn } from '../waiting/turn.js'

/** How often the two clocks are compared at most, in milliseconds. */
const CHECK_MS = 1_000
/** A difference below this is due to the reading, not to a step. */
const TOLERANCE_MS = 100
/** So many steps are remembered. */
const MAX_EPOCHS = 64
/** The last moment that a date can hold. */
export const LAST_DATE_MS = 8.64e15

/** What the wall clock showed when the stamps were zero, for tasks queued from `fromMs` on. */
interface Epoch {
  readonly fromMs: number
  readonly wallMs: number
}

/**
 * Turns stamps into times of the wall clock. A step of that clock, or a machine that slept, shows as a difference between
 * the two clocks: it is noticed when a task is queued, and holds for that task and later ones. The times of one task
 * always agree with each other.
 */
export class WallTimes {
  readonly #clock: Clock
  readonly #turn: Turn
  readonly #onCheck: () => void
  readonly #epochs: Epoch[]
  #checkedMs = 0

  /** @param onCheck - what else is done when a task is queued, at most once a second */
  constructor(clock: Clock, turn: Turn, onCheck: () => void) {
    this.#clock = clock
    this.#turn = turn
    this.#onCheck = onCheck
    this.#epochs = [{ fromMs: 0, wallMs: this.#epochNow() }]
  }

  /** A task is queued: compares the clocks if that is due. */
  check(queuedMs: number): void {
    if (queuedMs - this.#checkedMs >= CHECK_MS) this.#compare(queuedMs)
  }

  #compare(queuedMs: number): void {
    this.#checkedMs = queuedMs
    this.#onCheck()
    const wallMs = this.#epochNow()
    if (Math.abs(wallMs - (this.#epochs.at(-1) as Epoch).wallMs) < TOLERANCE_MS) return
    this.#epochs.push({ fromMs: queuedMs, wallMs })
    if (this.#epochs.length > MAX_EPOCHS) this.#epochs.shift()
  }

  #epochNow(): number {
    return this.#clock.date() - this.#turn.fresh()
  }

  /** A stamp of the task that was queued at `queuedMs`, as ISO 8601. */
  iso(queuedMs: number, stampMs: number): string {
    return new Date(this.wall(queuedMs, stampMs)).toISOString()
  }

  /** The same in milliseconds since 1970. */
  wall(queuedMs: number, stampMs: number): number {
    const { wallMs } = this.#epochs.findLast(({ fromMs }) => fromMs <= queuedMs) ?? (this.#epochs[0] as Epoch)
    return Math.min(Math.round(wallMs) + stampMs, LAST_DATE_MS)
  }

  /** The stamp of a time before this pool was made; never negative, which would mean "not yet". */
  stamp(wallMs: number): number {
    return Math.max(wallMs - Math.round((this.#epochs[0] as Epoch).wallMs), 0)
  }
}
