import { ManualClock as PublicClock } from '../../src/testing/manual-clock.js'

/** Waits until every promise has settled that needs no passing of time. */
export const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The public clock, made by its two times, and with the short name of `settle` that most tests use. */
export class ManualClock extends PublicClock {
  constructor(now?: number, date?: number) {
    super({ now, date })
  }

  turn(): Promise<void> {
    return this.settle()
  }
}
