import type { DurationStats } from '../contract/reports.js'

/** Buckets per doubling: a bucket is at most 1/16 wider than its lower bound, so its middle is within about 3 %. */
const STEPS_LOG2 = 4
const STEPS = 1 << STEPS_LOG2
/** Durations are counted in units of this many milliseconds. */
const UNIT_MS = 0.01
/** Beyond 2^31 units (about six hours) the unit is this much coarser, which is still finer than a bucket. */
const COARSE = 2 ** 20
const COARSE_LOG2 = 20

const EMPTY: DurationStats = /* @__PURE__ */ Object.freeze({ mean: 0, p50: 0, p95: 0, p99: 0, max: 0 })

/**
 * How long things took, as counts in buckets that grow with the duration: to 0.01 ms up to 0.16 ms, about 6 % precise
 * beyond. Recording is O(1) and allocates nothing after the first.
 */
export class Distribution {
  #counts: Float64Array | undefined
  #count = 0
  #sum = 0
  #max = 0

  record(ms: number): void {
    this.#counts ??= new Float64Array(BUCKETS)
    const bucket = bucketOf(ms)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#count++
    this.#sum += ms
    if (ms > this.#max) this.#max = ms
  }

  stats(): DurationStats {
    const counts = this.#counts
    if (counts === undefined) return EMPTY
    const count = this.#count
    return {
      mean: this.#sum / count,
      p50: this.#percentile(counts, 0.5 * count),
      p95: this.#percentile(counts, 0.95 * count),
      p99: this.#percentile(counts, 0.99 * count),
      max: this.#max
    }
  }

  #percentile(counts: Float64Array, rank: number): number {
    let left = Math.ceil(rank)
    let bucket = 0
    for (left -= counts[0] as number; left > 0; left -= counts[bucket] as number) bucket++
    return Math.min(middleOf(bucket), this.#max)
  }
}

/** The bucket of a duration. */
function bucketOf(ms: number): number {
  const units = ms / UNIT_MS
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
