import type { PoolTotals } from '../contract/reports.js'

/** The number of seconds that are kept. */
export const SECONDS = 60

/** The number of seconds that the means cover. */
const MEAN_SECONDS = 10

/** The totals that rates are made of. A shared pool does not count what it refuses. */
export type RateTotals = Pick<PoolTotals, 'succeeded' | 'failed' | 'canceled'> & Partial<Pick<PoolTotals, 'refused'>>

/** What is measured. */
type Counted = 'succeeded' | 'failed' | 'canceled' | 'refused'

/** Per second, what happened lately. */
export interface Rates {
  /** The means over the last {@link overSeconds} seconds; `null` until a whole second is measured. */
  readonly mean: Readonly<Record<Counted | 'settled', number>> | null
  /** The number of seconds that the means cover: at most ten. */
  readonly overSeconds: number
  /** Settled tasks in each of the last 60 seconds, oldest first; `null` for a second that nobody measured. */
  readonly settled: readonly (number | null)[]
  /** Refused tasks, in the same form. */
  readonly refused: readonly (number | null)[]
}

/** The totals at one time. */
interface Sample extends Readonly<Record<Counted | 'settled', number>> {
  readonly atMs: number
}

/**
 * Rates from totals that are read at the end of each second. A rate is a difference of totals over the time between the
 * two readings, so a late reading makes no wrong rate. A second without a reading at its begin and its end has none.
 */
export class RateMeter {
  readonly #originMs: number
  /** By the second at whose end it was read; the first is that of second 0. */
  readonly #samples = new Map<number, Sample>()
  #newest: Sample
  #second = 0

  /** @param nowMs - of a monotonic clock */
  constructor(nowMs: number, totals: RateTotals) {
    this.#originMs = nowMs
    this.#newest = sampleOf(nowMs, totals)
    this.#samples.set(0, this.#newest)
  }

  /** Milliseconds until the next reading is due. */
  dueIn(nowMs: number): number {
    return Math.max(this.#originMs + (this.#second + 1) * 1_000 - nowMs, 0)
  }

  /** Takes a reading. It belongs to the nearest end of a second: timers are a little early or late. */
  read(nowMs: number, totals: RateTotals): void {
    const second = Math.round((nowMs - this.#originMs) / 1_000)
    if (second <= this.#second) return
    this.#second = second
    this.#newest = sampleOf(nowMs, totals)
    this.#samples.set(second, this.#newest)
    for (const old of this.#samples.keys()) if (old < second - SECONDS) this.#samples.delete(old)
  }

  /** The rates up to the last reading. */
  rates(): Rates {
    const [first = this.#second, since = this.#newest] = this.#reading(MEAN_SECONDS)
    const overSeconds = this.#second - first
    return {
      mean: overSeconds === 0 ? null : means(since, this.#newest),
      overSeconds,
      settled: this.#perSecond('settled'),
      refused: this.#perSecond('refused')
    }
  }

  /** How many tasks were refused in about the last ten seconds, up to now. */
  refusedLately({ refused }: PoolTotals): number {
    const [, since = this.#newest] = this.#reading(MEAN_SECONDS)
    return refused - since.refused
  }

  /** The first reading in the last seconds. */
  #reading(seconds: number): readonly [second: number, sample: Sample] | readonly [] {
    for (let second = Math.max(this.#second - seconds, 0); second < this.#second; second++) {
      const sample = this.#samples.get(second)
      if (sample !== undefined) return [second, sample]
    }
    return []
  }

  #perSecond(name: 'settled' | 'refused'): (number | null)[] {
    return Array.from({ length: SECONDS }, (_, index) => {
      const second = this.#second - SECONDS + 1 + index
      const [from, to] = [this.#samples.get(second - 1), this.#samples.get(second)]
      return from === undefined || to === undefined ? null : rounded(rate(from, to, name))
    })
  }
}

function sampleOf(atMs: number, { succeeded, failed, canceled, refused = 0 }: RateTotals): Sample {
  return { atMs, succeeded, failed, canceled, refused, settled: succeeded + failed + canceled }
}

function means(from: Sample, to: Sample): NonNullable<Rates['mean']> {
  const mean = (name: Counted | 'settled') => rounded(rate(from, to, name))
  return {
    settled: mean('settled'),
    succeeded: mean('succeeded'),
    failed: mean('failed'),
    canceled: mean('canceled'),
    refused: mean('refused')
  }
}

function rate(from: Sample, to: Sample, name: Counted | 'settled'): number {
  return ((to[name] - from[name]) * 1_000) / (to.atMs - from.atMs)
}

const rounded = (value: number): number => Math.round(value * 100) / 100
