/** What `results.json` holds. Times are processor time unless they are said to be on the wall. */

/** Over several processes: the middle value, the smallest and the largest. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** One contender under one shape of load. */
export interface TimeRow {
  readonly contender: string
  readonly shape: string
  /** To `fastq.promise` in the same process. */
  readonly ratio: Spread
  /** Nanoseconds per task. */
  readonly cpu: Spread
  /** Nanoseconds per task on the wall. */
  readonly wall: Spread
}
