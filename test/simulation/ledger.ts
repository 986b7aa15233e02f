import { Part } from './part.js'

const NEVER = Number.POSITIVE_INFINITY

/** The books of the pool, held against those of the model. */
export class Ledger extends Part {
  #events = 0
  #lastTotals: readonly number[] = []
  /** Whether the plan resizes the pool: then its first bound is not the last. */
  #resizes: boolean | undefined

  /** Whether the books are looked at in this event: in each fourth, for they are long. */
  get isDue(): boolean {
    return this.#events % 4 === 0
  }

  compareNowAndThen(): void {
    this.#events++
    if (this.isDue) this.compare()
  }

  compare(): void {
    const { checks, model, pool } = this.world
    const stats = pool.stats()
    const { totals } = stats
    const { running, queue, delayed, line } = model
    checks.same('I1', 'running', stats.running, running.length)
    checks.same('I1', 'queued', stats.queued, queue.length)
    checks.same('I1', 'delayed', stats.delayed, delayed.length)
    checks.same('I1', 'waiting', stats.waiting, line.length)
    checks.same('I1', 'stuck', stats.stuck, running.filter(({ stuck }) => stuck).length)
    checks.same('I1', 'accepted', totals.accepted, model.accepted)
    checks.same('I1', 'refused', totals.refused, model.refused)
    checks.same('I1', 'submitted', totals.submitted, model.accepted + model.refused + line.length)
    checks.same('I1', 'started', totals.started, model.started)
    checks.same('I1', 'retried', totals.retried, model.retried)
    checks.same('I1', 'succeeded', totals.succeeded, model.succeeded)
    checks.same('I1', 'failed', totals.failed, model.failed)
    checks.same('I1', 'canceled', totals.canceled, model.canceled)
    checks.same('I1', 'concurrency', stats.concurrency, model.concurrency)
    checks.same('I1', 'queueCapacity', stats.queueCapacity, model.queueCapacity)
    checks.same('I1', 'paused', stats.paused, model.paused)
    checks.same('I12', 'state', stats.state, model.state)
    this.#neverFall([totals.submitted, totals.accepted, totals.refused, totals.started, totals.retried])
    this.#lookAtBound(stats.running)
    this.#lookAtRetained(stats.retained)
  }

  #neverFall(totals: readonly number[]): void {
    const fell = totals.some((n, i) => n < (this.#lastTotals[i] ?? 0))
    this.world.checks.that('I1', !fell, () => `a total fell: ${totals.join()}`)
    this.#lastTotals = totals
  }

  #lookAtBound(running: number): void {
    const { checks, model, plan } = this.world
    const { concurrency, queueCapacity } = plan.setup
    const resized = model.concurrency !== concurrency || model.queueCapacity !== queueCapacity
    this.#resizes ??= plan.operations.some((operation) => operation.do === 'resize')
    if (resized || this.#resizes) return
    const most = concurrency + queueCapacity
    checks.that('I2', running <= concurrency, () => `${running} running`)
    checks.that('I3', model.live <= most, () => `${model.live} of ${most} places taken`)
  }

  #lookAtRetained(retained: number): void {
    const { checks, model, plan, now } = this.world
    const { ms } = plan.setup.retention
    if (ms === NEVER) return checks.same('I16', 'retained', retained, model.retained.length)
    const young = model.retained.filter(({ settledAt }) => now - settledAt < ms)
    checks.that('I16', retained <= young.length, () => `${retained} retained, not ${young.length}`)
  }

  lookAtTheEnd(): void {
    const { checks, model, plan, pool } = this.world
    if (plan.setup.retention.ms !== NEVER) return
    const listed = pool.tasks({ limit: 1_000 })
    const right = listed.length === Math.min(model.retained.length, 1_000)
    checks.that('I16', right, () => `${listed.length} tasks are listed, not ${model.retained.length}`)
  }
}
