import type { DrainOptions } from '../contract/call-options.js'
import { checkDrainOptions } from '../contract/call-settings.js'
import { integer, wording } from '../contract/checks.js'
import { DrainTimeoutError, WaitGroupError } from '../contract/errors.js'
import { printError } from '../contract/print-error.js'
import { systemClock } from '../ports/system-clock.js'
import { Deadlines } from './deadlines.js'
import { Signals, throwIfAborted } from './signals.js'
import { type WaitPorts, Waits } from './waits.js'

/**
 * Counts unfinished work and waits until the count is zero, like `sync.WaitGroup` in Go.
 *
 * Every wait that began before the count reaches zero resolves then, even if something is added in the same tick. A
 * later wait waits for the next zero. Errors of the counted work do not affect the group.
 *
 * @example
 * ```ts
 * import { WaitGroup } from 'coatcheck'
 *
 * const group = new WaitGroup()
 * for (const file of ['a', 'b', 'c']) group.go(async () => console.log(file))
 * await group.wait({ timeoutMs: 10_000 })
 * ```
 */
export class WaitGroup {
  #size = 0
  #closed = false
  #ports: WaitPorts | undefined
  #waits: Waits | undefined

  /** Number of unfinished members. */
  get size(): number {
    return this.#size
  }

  /**
   * Increases the count.
   *
   * @param n - number of members to add: an integer ≥ 0
   * @throws WaitGroupError after `close()`
   * @throws TypeError | RangeError if `n` is invalid, or the count would exceed the safe integers
   */
  add(n = 1): void {
    integer('n', n, 0)
    if (this.#size + n > Number.MAX_SAFE_INTEGER) throw new RangeError('Expected the count to stay a safe integer')
    if (this.#closed) throw new WaitGroupError('The group is closed: nothing can be added. Create a new group.')
    this.#size += n
  }

  /**
   * Decreases the count by one.
   *
   * @throws WaitGroupError if the count is 0; it stays 0
   */
  done(): void {
    if (this.#size === 0)
      throw new WaitGroupError('done() was called more often than add(): call add() before each done().')
    this.#size--
    if (this.#size === 0 && this.#waits !== undefined) this.#waits.release(this.#waits.take())
  }

  /**
   * Calls a function synchronously and counts it until its result has settled.
   *
   * @returns a promise of the result; rejects with the function's error, which the caller has to handle
   * @throws WaitGroupError after `close()`; the function is not called
   */
  go<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    if (typeof fn !== 'function') throw new TypeError(wording('fn', 'a function', fn))
    this.add()
    return this.#follow(new Promise<R>((resolve) => resolve(fn())))
  }

  /**
   * Counts a promise until it has settled. A thenable that calls back more than once counts once.
   *
   * @returns a promise that settles like the given one; the caller has to handle its rejection
   * @throws WaitGroupError after `close()`
   */
  track<R>(promise: PromiseLike<R>): Promise<R> {
    this.add()
    return this.#follow(new Promise<R>((resolve) => resolve(promise)))
  }

  /** Ends adding: later calls of `add`, `go` and `track` throw. */
  close(): void {
    this.#closed = true
  }

  /**
   * Waits until the count is zero. Resolves at once if it already is.
   *
   * @throws DrainTimeoutError after `timeoutMs`
   * @throws the signal's reason when the signal aborts
   */
  async wait(options?: DrainOptions): Promise<void> {
    const limits = checkDrainOptions(options)
    throwIfAborted(limits.signal)
    if (this.#size === 0) return
    this.#ports ??= { deadlines: new Deadlines(systemClock), signals: new Signals((error) => printError(error, {})) }
    this.#waits ??= new Waits(this.#ports)
    try {
      await this.#waits.add(limits, () => new DrainTimeoutError(limits.timeoutMs, { count: this.#size, ids: [] }))
    } finally {
      if (this.#ports.deadlines.size === 0) this.#ports.deadlines.end()
    }
  }

  /** `close()`, then `wait()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.wait()
  }

  #follow<R>(promise: Promise<R>): Promise<R> {
    return promise.finally(() => this.done())
  }
}
