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
  /** When and on what the parts from `http` to `crowd` were taken, which can be taken alone. */
  readonly httpTaken: Taken
  readonly http: readonly HttpCost[]
  readonly held: readonly Held[]
  readonly holdLimits: readonly HoldLimit[]
  readonly crowd: Crowd
  readonly overload: readonly Overload[]
}

/** When and on what some of the figures were taken. */
export interface Taken {
  readonly date: string
  readonly node: string
  readonly machine: Machine
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

/** Milliseconds: the middle value, and the one that 99 of 100 do not pass. */
export interface Delays {
  readonly median: number
  readonly p99: number
}

/** Requests that a server holds until their tasks end. */
export interface Held {
  /** How they wait. */
  readonly request: string
  readonly server: string
  /** Microseconds of the server's processor time from the connection to the hold, for each. */
  readonly hold: Spread
  /** The same from the end of the task to its answer, many tasks ending at once. */
  readonly wake: Spread
  /** The same as `wake`, over the bare server. */
  readonly over: Spread
  /** Bytes of heap for each that is open, its connection and the request included. */
  readonly bytes: Spread
  /** From the end of a task to the moment when the client has read of it, with others coming and ending. */
  readonly lateMs: Delays
  /** The answers of which `lateMs` tells. */
  readonly answers: number
}

/** What becomes of those who want to wait where as many are held already as may be. */
export interface HoldLimit {
  readonly request: string
  /** What has the limit. */
  readonly scope: string
  /** As many as the default allows, to their end. */
  readonly held: number
  /** Those who came beyond, and were answered at once. */
  readonly turnedAway: number
  /** Microseconds of the server's processor time for each that was turned away. */
  readonly cpu: number
  /** How soon it was. */
  readonly answerMs: Delays
}

/** The ticket routes with their default limits, under more load than their pool can bear. */
export interface Crowd {
  /** Clients that hand in and then wait for a ticket, again and again. */
  readonly waiting: number
  readonly accepted: number
  readonly refused: number
  /** Tasks that had ended when the load did. */
  readonly done: number
  /** The most requests that were open when the memory was looked at. */
  readonly mostOpen: number
  /** Whether it was ended for want of memory. */
  readonly cutOff: boolean
  /** Long polls and streams that came to their end, or were turned away. */
  readonly waits: number
  readonly peakMegabytes: number
  /** The peak of the second half to that of the first. */
  readonly growth: number
  /** Resident memory over time: seconds and megabytes. */
  readonly samples: readonly (readonly [number, number])[]
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
