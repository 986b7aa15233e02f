/** What `results.json` holds. Times are processor time unless they are said to be on the wall. */
export interface Results {
  /** The day, in UTC. */
  readonly date: string
  readonly machine: Machine
  /** The Node of everything but `lines`, as `process.version` gives it. */
  readonly node: string
  /** Of the libraries that were compared. */
  readonly versions: Readonly<Record<string, string>>
  readonly time: readonly TimeRow[]
  readonly lines: readonly LineTimes[]
  readonly prices: readonly Price[]
  readonly growth: readonly Growth[]
  /** Once through with ten million queued. */
  readonly huge: GrowthCost
  readonly memory: readonly Memory[]
  readonly loop: readonly Loop[]
  readonly http: readonly HttpCost[]
  readonly overload: readonly Overload[]
}

/** What the figures were taken on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGigabytes: number
  readonly system: string
}

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

/** The time per task on one line of Node. */
export interface LineTimes {
  /** As `process.version` gives it. */
  readonly node: string
  /** Whether an `AsyncLocalStorage` was active. */
  readonly context: boolean
  readonly rows: readonly TimeRow[]
}

/** What one feature adds to a task. */
export interface Price {
  readonly feature: string
  /** Whether an `AsyncLocalStorage` was active. */
  readonly context: boolean
  /** Nanoseconds per task over a task without it. */
  readonly added: Spread
  /** Nanoseconds per task without it. */
  readonly base: Spread
}

/** Nanoseconds per task when so many are queued. */
export interface GrowthCost {
  readonly tasks: number
  /** To queue it. */
  readonly queue: number
  /** To run it, or to cancel it. */
  readonly leave: number
  /** From its queueing to its end. */
  readonly both: number
}

/** One queue as it grows. */
export interface Growth {
  readonly contender: string
  /** In which tasks leave. */
  readonly order: string
  /** A task among the most to one among the fewest: from its queueing to its end, or its cancel. */
  readonly ratio: number
  /** By number of tasks; a size that would take minutes is left out. */
  readonly costs: readonly GrowthCost[]
}

/** What one task holds. */
export interface Memory {
  readonly holding: string
  /** Bytes of heap per task, its function not counted. */
  readonly bytes: Spread
}

/** How late a timer of ten milliseconds came while very many tasks went through. */
export interface Loop {
  readonly crowd: string
  /** The latest of all, in milliseconds. */
  readonly worstMs: Spread
  /** The middle one. */
  readonly usualMs: Spread
  /** Milliseconds on the wall. */
  readonly tookMs: Spread
}

/** One kind of request to one kind of server. */
export interface HttpCost {
  readonly request: string
  readonly server: string
  /** Microseconds of the server's processor time per request. */
  readonly cpu: Spread
  /** The same, over the bare server. */
  readonly over: Spread
  /** Requests per second, as many as went through. */
  readonly rate: Spread
  /** The rate as a part of the bare server's. */
  readonly speed: Spread
}

/** One service under more load than it can bear. */
export interface Overload {
  readonly service: string
  /** Requests per second that were asked for; `null` for as many as went through. */
  readonly asked: number | null
  readonly accepted: number
  readonly refused: number
  /** Tasks that had ended when the load did. */
  readonly done: number
  /** The longest wait of those that began, in milliseconds. */
  readonly waitMs: number
  /** Whether it was ended for want of memory. */
  readonly cutOff: boolean
  readonly peakMegabytes: number
  /** The peak of the second half to that of the first. */
  readonly growth: number
  /** Resident memory over time: seconds and megabytes. */
  readonly samples: readonly (readonly [number, number])[]
}
