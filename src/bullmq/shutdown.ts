import type { Queue } from 'bullmq'
import type { StopReport } from '../contract/reports.js'
import type { Clock } from '../ports/clock.js'
import type { Followers } from './following.js'
import type { Connections } from './redis/connect.js'
import type { WorkerSide } from './work/worker-side.js'

/** How long Redis may take for the last ends, in milliseconds. */
const LAST_WRITES_MS = 2_000

/** The parts that a stop acts on. */
export interface ShutdownParts {
  readonly worker: WorkerSide
  readonly followers: Followers
  readonly queue: Queue
  readonly connections: Connections
  readonly clock: Clock
}

/** The checked options of a stop. */
export interface StopRequest {
  readonly graceMs: number
  readonly forceMs: number
  readonly reason: unknown
}

/** The stop of a pool in one process: it claims nothing more, ends what runs, writes the ends, and leaves. */
export class Shutdown {
  /** Resolves when the pool has stopped. */
  readonly closed: Promise<StopReport>
  readonly #parts: ShutdownParts
  #resolve!: (report: StopReport) => void
  #hasBegun = false

  constructor(parts: ShutdownParts) {
    this.#parts = parts
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** A later call can only bring the deadlines of the local pool nearer. */
  stop(request: StopRequest): Promise<StopReport> {
    const { worker } = this.#parts
    if (!this.#hasBegun) worker.pause()
    const local = worker.local.stop(request)
    if (!this.#hasBegun) {
      this.#hasBegun = true
      void this.#end(local, { ...worker.tally })
    }
    return this.closed
  }

  async #end(local: Promise<StopReport>, before: Readonly<WorkerSide['tally']>): Promise<void> {
    const { worker, followers, queue, connections } = this.#parts
    const { reason, durationMs } = await local
    await this.#within(LAST_WRITES_MS, worker.close())
    await worker.abandon()
    await this.#within(LAST_WRITES_MS, followers.close())
    await this.#within(LAST_WRITES_MS, queue.close())
    connections.close()
    const { tally } = worker
    const [succeeded, failed, canceled] = [
      tally.succeeded - before.succeeded,
      tally.failed - before.failed,
      tally.canceled - before.canceled
    ]
    this.#resolve({
      ...{ reason, durationMs, succeeded, failed, canceled, unstarted: { count: 0, ids: [] } },
      ...{ aborted: tally.aborted.toCount(), interrupted: tally.interrupted.toCount(), left: tally.left.toCount() },
      unrecorded: Math.max(tally.decided - before.decided - succeeded - failed - canceled, 0)
    })
  }

  /** Resolves when the promise has settled, or the time is over. */
  #within(ms: number, promise: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.timer(resolve)
      const settled = (): void => {
        timer.clear()
        resolve()
      }
      timer.set(ms)
      promise.then(settled, settled)
    })
  }
}
