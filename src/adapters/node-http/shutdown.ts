import type { StopOptions, StopReport } from '../../index.js'
import type { Connections } from './connections.js'
import type { Timers } from './timers.js'

/** The end of a server, which begins with a signal. */
export interface Shutdown {
  /** Whether it has begun: `ticketRoutes` takes it as `closing: () => shutdown.begun`. */
  readonly begun: boolean

  /**
   * Begins it without a signal. Again: the same one.
   *
   * @param reason - the `reason` of the pool's stop
   * @defaultValue `'shutdown'`
   * @returns the exit code, once the process may exit with it
   */
  begin(reason?: string): Promise<number>
}

/** What a shutdown may take, in milliseconds, and who is notified of it. */
export interface ShutdownPlan {
  readonly delayMs: number
  readonly graceMs: number
  readonly forceMs: number
  readonly lastCallMs: number
  readonly closeMs: number
  readonly onClosing: (reason: string) => unknown
  readonly onStopped: ((report: StopReport) => unknown) | undefined
}

/** The parts of a shutdown. */
export interface ShutdownParts {
  readonly pool: { stop(options: StopOptions): Promise<StopReport> }
  readonly connections: Pick<Connections, 'closeWithReplies' | 'end'>
  readonly timers: Timers
  /** Ends the process. */
  readonly exit: (code: number) => void
  /** Where errors of `onClosing` and `onStopped` go. */
  readonly onError: (error: unknown) => void
}

/** One Ctrl-C arrives twice under npm and tsx, which pass on what the process group has received already. */
const SAME_SIGNAL_MS = 1_000

/**
 * The order in which a server ends.
 *
 * ```
 *  signal ─► delay ────► pool.stop: grace ─► force ─► last call ─► connections ─► exit 0 | 1
 *            POSTs are    GETs are served,             clients      end, then
 *            accepted     POSTs refused with 503       fetch ends   are cut
 * ```
 */
export class OrderlyShutdown implements Shutdown {
  readonly #plan: ShutdownPlan
  readonly #parts: ShutdownParts
  #ending: Promise<number> | undefined
  #begunAt = 0
  #hasFailed = false

  constructor(plan: ShutdownPlan, parts: ShutdownParts) {
    this.#plan = plan
    this.#parts = parts
  }

  get begun(): boolean {
    return this.#ending !== undefined
  }

  begin(reason = 'shutdown'): Promise<number> {
    if (this.#ending !== undefined) return this.#ending
    this.#begunAt = this.#parts.timers.now()
    this.#ending = Promise.resolve().then(() => this.#end(reason))
    this.#parts.connections.closeWithReplies()
    void this.#notify(() => this.#plan.onClosing(reason))
    return this.#ending
  }

  /** The first signal begins the end. Within a second another is the same one; a later one exits at once. */
  signaled(signal: string): void {
    if (this.#ending === undefined) void this.begin(signal)
    else if (this.#parts.timers.now() - this.#begunAt >= SAME_SIGNAL_MS) this.#parts.exit(1)
  }

  async #end(reason: string): Promise<number> {
    const { delayMs, graceMs, forceMs, lastCallMs, closeMs, onStopped } = this.#plan
    const { pool, connections, exit } = this.#parts
    if (delayMs > 0) await this.#pause(delayMs)
    const report = await pool.stop({ graceMs, forceMs, reason })
    if (settled(report) > 0) await this.#pause(lastCallMs)
    const finished = onStopped === undefined ? undefined : this.#within(closeMs, () => onStopped(report))
    await Promise.all([connections.end(closeMs), finished])
    const code = lost(report) === 0 && !this.#hasFailed ? 0 : 1
    exit(code)
    return code
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.timers.after(ms, resolve)
    })
  }

  /** Waits for a hook, but not longer than `ms`. */
  #within(ms: number, hook: () => unknown): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.#parts.timers.after(ms, () => {
        this.#fail(new Error(`onStopped has not ended within closeMs (${ms} ms)`))
        resolve()
      })
      void this.#notify(hook).then(() => {
        forget()
        resolve()
      })
    })
  }

  async #notify(hook: () => unknown): Promise<void> {
    try {
      await hook()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#hasFailed = true
    this.#parts.onError(error)
  }
}

/** Tasks whose clients may still want to read how they ended. */
function settled({ succeeded, failed, canceled }: StopReport): number {
  return succeeded + failed + canceled
}

/** Tasks that were accepted and not brought to their own end. */
export function lost({ unstarted, aborted, interrupted }: StopReport): number {
  return unstarted.count + aborted.count + interrupted.count
}
