import { Deadline } from '../waiting/deadlines.js'
import type { Dispatch, PoolParts } from './pool-parts.js'

/** The pause of a pool, which may end by itself. Its timer keeps the process alive while there is work. */
export class Pauses {
  readonly #parts: PoolParts
  readonly #dispatch: Dispatch
  readonly #end = new Deadline(() => this.resume())

  constructor(parts: PoolParts, dispatch: Dispatch) {
    this.#parts = parts
    this.#dispatch = dispatch
  }

  pause(forMs: number): void {
    const { scheduler, clock } = this.#parts
    scheduler.pause(clock.now() + forMs)
    this.watch()
  }

  resume(): void {
    this.clear()
    this.#parts.scheduler.resume()
    this.#dispatch.startDue()
  }

  /** Sets the timer of a pause, or whether it keeps the process alive, to what is now the case. */
  watch(): void {
    const { scheduler, deadlines } = this.#parts
    if (!scheduler.paused) return
    const keepAlive = scheduler.live > 0
    const { isSet, at } = this.#end
    if (isSet && at === scheduler.pausedUntil && this.#end.keepAlive === keepAlive) return
    deadlines.setAt(this.#end, scheduler.pausedUntil, keepAlive)
  }

  clear(): void {
    this.#parts.deadlines.clear(this.#end)
  }
}
