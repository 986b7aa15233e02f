import { integer, wording } from '../contract/checks.js'
import { DrainTimeoutError, WaitGroupError } from '../contract/errors.js'
import type { DrainOptions } from '../contract/options.js'
import { printError } from '../contract/print-error.js'
import { checkDrainOptions } from '../contract/settings.js'
import { systemClock } from '../ports/system-clock.js'
import { Deadlines } from './deadlines.js'
import { Signals, throwIfAborted } from './signals.js'
import { type WaitPorts, Waits } from './waits.js'

/**
 * Waits until a number of things are done, as a wait group of Go does: count them in, count them out, wait for zero.
 *
 * Who waits when the count reaches zero is let go, even if something is added in the same tick; who comes later waits
 * for the next zero. A group never fails because of what it counts.
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

  /** How many are not done. */
  get size(): number {
    return this.#size
  }

  /**
   * Counts in.
   *
   * @param n - how many, an integer from 0
   * @throws WaitGroupError after `close()`
   * @throws TypeError | RangeError when `n` is no such number
   */
  add(n = 1): void {
    integer('n', n, 0)
    if (this.#size + n > Number.MAX_SAFE_INTEGER) throw new RangeError('Expected the group to stay countable')
    if (this.#closed) throw new WaitGroupError('This group was closed: nothing can be added to it any more.')
    this.#size += n
  }

  /**
   * Counts one out.
   *
   * @throws WaitGroupError when nothing is left to be done; the count stays as it is
   */
  done(): void {
    if (this.#size === 0)
      throw new WaitGroupError('More was done than was added: each done() needs an add() before it.')
    this.#size--
    if (this.#size === 0 && this.#waits !== undefined) this.#waits.release(this.#waits.take())
  }

  /**
   * Calls a function and counts it until what it returns has settled. The call comes at once.
   *
   * @returns what the function returns; rejects as it fails, and it is for you to look at that
   * @throws WaitGroupError after `close()`; the function is not called then
   */
  go<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    if (typeof fn !== 'function') throw new TypeError(wording('fn', 'a function', fn))
    this.add()
    return this.#follow(new Promise<R>((resolve) => resolve(fn())))
  }

  /**
   * Counts a promise until it has settled. However often a thenable calls back, it counts once.
   *
   * @returns a promise that settles as the given one does; a rejection is still yours to look at
   * @throws WaitGroupError after `close()`
   */
  track<R>(promise: PromiseLike<R>): Promise<R> {
    this.add()
    return this.#follow(new Promise<R>((resolve) => resolve(promise)))
  }

  /** From now on nothing can be added. */
  close(): void {
    this.#closed = true
  }

  /**
   * Waits until nothing is left to be done: at once when that holds already.
   *
   * @throws DrainTimeoutError when `timeoutMs` has passed
   * @throws the signal's reason when it aborts
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
