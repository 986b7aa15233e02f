import type { DurationBucket, DurationStats } from '../contract/reports.js'

/** Buckets per doubling: a bucket is at most 1/16 wider than its lower bound, so its middle is within about 3 %. */
const STEPS_LOG2 = 4
const STEPS = 1 << STEPS_LOG2
/** Durations are counted in units of a hundredth of a millisecond. */
const UNIT_MS = 0.01
const UNITS_PER_MS = 100
/** Beyond 2^31 units (about six hours) the unit is this much coarser, which is still finer than a bucket. */
const COARSE = 2 ** 20
const COARSE_LOG2 = 20

/** Percentiles cover the present interval of this length and the one before, in milliseconds. */
const RECENT_MS = 60_000

/** Octaves of the cumulative buckets: their bounds go from 1.28 ms to 89 minutes, and double. */
const FIRST_OCTAVE = 3
const LAST_OCTAVE = 25

/** The counts at a point in time. */
interface Snapshot {
  readonly counts: Float64Array
  readonly count: number
}

/**
 * Durations, as counts in buckets that grow with the duration: to 0.01 ms up to 0.16 ms, about 6 % precise beyond.
 * Recording is O(1); what is recent is the difference to a snapshot of the counts, taken at most once a minute.
 */
export class Distribution {
  readonly #counts = new Float64Array(BUCKETS)
  #count = 0
  #sum = 0
  #max = 0
  /** When the present interval began, and the counts then and one interval before. */
  #sinceMs = 0
  #present: Snapshot | null = null
  #former: Snapshot | null = null

  /** @param nowMs - monotonic time in milliseconds */
  record(ms: number, nowMs: number): void {
    if (nowMs - this.#sinceMs >= RECENT_MS) this.#rotate(nowMs)
    const bucket = bucketOf(ms)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#count++
    this.#sum += ms
    if (ms > this.#max) this.#max = ms
  }

  #rotate(nowMs: number): void {
    const snapshot = { counts: this.#counts.slice(), count: this.#count }
    this.#former = nowMs - this.#sinceMs >= 2 * RECENT_MS ? snapshot : this.#present
    this.#present = snapshot
    this.#sinceMs = nowMs
  }

  stats(nowMs: number): DurationStats {
    if (nowMs - this.#sinceMs >= RECENT_MS) this.#rotate(nowMs)
    const recent = this.#count - (this.#former?.count ?? 0)
    return {
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50: this.#percentile(0.5 * recent),
      p95: this.#percentile(0.95 * recent),
      p99: this.#percentile(0.99 * recent),
      max: this.#max,
      count: this.#count,
      sum: this.#sum,
      buckets: this.#buckets()
    }
  }

  #percentile(rank: number): number {
    if (rank === 0) return 0
    let left = Math.ceil(rank)
    let bucket = 0
    for (left -= this.#recent(0); left > 0; left -= this.#recent(bucket)) bucket++
    return Math.min(middleOf(bucket), this.#max)
  }

  #recent(bucket: number): number {
    return (this.#counts[bucket] as number) - (this.#former?.counts[bucket] ?? 0)
  }

  #buckets(): DurationBucket[] {
    const buckets: DurationBucket[] = []
    let count = 0
    let bucket = 0
    for (let octave = FIRST_OCTAVE; octave <= LAST_OCTAVE; octave++) {
      for (const end = STEPS * (octave + 1); bucket < end; bucket++) count += this.#counts[bucket] as number
      buckets.push({ leMs: STEPS * 2 ** octave * UNIT_MS, count })
    }
    return buckets
  }
}

/** The bucket of a duration. */
function bucketOf(ms: number): number {
  const units = ms * UNITS_PER_MS
  if (units < STEPS) return units | 0
  return units < 2 ** 31
    ? bucketOfUnits(units)
    : bucketOfUnits(Math.min(units / COARSE, 2 ** 31 - 1)) + STEPS * COARSE_LOG2
}

/** The bucket of a number of units that is a small integer but for its fraction. */
function bucketOfUnits(units: number): number {
  const octave = 31 - Math.clz32(units) - STEPS_LOG2
  return STEPS * octave + (units >> octave)
}

const BUCKETS = /* @__PURE__ */ bucketOf(Number.MAX_VALUE) + 1

/** The middle of a bucket, in milliseconds. */
function middleOf(bucket: number): number {
  if (bucket < STEPS) return bucket * UNIT_MS
  const octave = Math.floor(bucket / STEPS) - 1
  const low = (bucket - STEPS * octave) * 2 ** octave
  return (low + 2 ** octave / 2) * UNIT_MS
}
