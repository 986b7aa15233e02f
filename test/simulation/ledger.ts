import type { PoolStats, Task } from '../../src/index.js'
import { Part } from './part.js'

const NEVER = Number.POSITIVE_INFINITY

/** The books of the pool, held against those of the model. */
export class Ledger extends Part {
  #events = 0
  #lastTotals: readonly number[] = []
  /** Whether the plan resizes the pool: then its first bound is not the last. */
  #resizes: boolean | undefined
  /** Whether the loop is ever blocked: then stamps may be older than the model's. */
  #blocks: boolean | undefined

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
    checks.same('I1', 'snoozed', totals.snoozed, model.snoozed)
    checks.same('I1', 'succeeded', totals.succeeded, model.succeeded)
    checks.same('I1', 'failed', totals.failed, model.failed)
    checks.same('I1', 'canceled', totals.canceled, model.canceled)
    checks.same('I1', 'concurrency', stats.concurrency, model.concurrency)
    checks.same('I1', 'queueCapacity', stats.queueCapacity, model.queueCapacity)
    checks.same('I1', 'paused', stats.paused, model.paused)
    checks.same('I1', 'heldWeight', stats.heldWeight, model.heldWeight)
    checks.same('I12', 'state', stats.state, model.state)
    this.#neverFall([totals.submitted, totals.accepted, totals.refused, totals.started, totals.retried, totals.snoozed])
    this.#lookAtBound(stats.running)
    this.#lookAtRetained(stats)
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

  #lookAtRetained({ retained, retention }: PoolStats): void {
    const { checks, model, plan, now } = this.world
    const { count, ms } = plan.setup.retention
    checks.that('I16', retention.retained <= count, () => `${retention.retained} tickets, more than ${count}`)
    const fewest = retained - retention.retained
    checks.that('I16', fewest <= model.unreadCount, () => `${fewest} are retained whose ticket nobody has`)
    const young = model.settled.filter(({ settledAt, plan }) => now - settledAt < (plan.retainMs ?? ms))
    checks.that('I16', retained <= young.length, () => `${retained} retained, not ${young.length}`)
    checks.that('I16', retention.forgottenEarly <= model.forgottenEarly, () => 'a ticket was forgotten early')
    if (plan.setup.ownRetention) this.#lookAtOwnRetention()
    else if (ms === NEVER) this.#lookAtEachRetained(retained, retention)
  }

  /** A task with a retention of its own is found as long as that says, to the millisecond. */
  #lookAtOwnRetention(): void {
    const { checks, model, plan, pool, cast, now, seen } = this.world
    this.#blocks ??= plan.operations.some((operation) => operation.do === 'block')
    for (const task of model.tickets) {
      const { retainMs } = task.plan
      if (retainMs === undefined) continue
      const { id } = cast.of(task).real as Task
      const leftMs = task.settledAt + retainMs - now
      const isFound = pool.task(id) !== undefined
      checks.that('I16', !isFound || leftMs > 0, () => `${task.name} is found ${-leftMs} ms too long`)
      const mustBeFound = leftMs > (this.#blocks ? NEVER : 1) // stamps may be older
      checks.that('I16', isFound || !mustBeFound, () => `${task.name} is forgotten ${leftMs} ms too early`)
      if (isFound) seen.add('a retention of its own')
    }
  }

  /** Nothing expires: then what is retained is known exactly. */
  #lookAtEachRetained(retained: number, retention: PoolStats['retention']): void {
    const { checks, model, plan, now } = this.world
    checks.same('I16', 'retained', retained, model.tickets.length + model.unread.length)
    checks.same('I16', 'retention.retained', retention.retained, model.tickets.length)
    checks.same('I16', 'retention.forgottenEarly', retention.forgottenEarly, model.forgottenEarly)
    const oldest = model.tickets.length === 0 ? 0 : now - Math.min(...model.tickets.map(({ settledAt }) => settledAt))
    this.#blocks ??= plan.operations.some((operation) => operation.do === 'block')
    const wrong = this.#blocks ? oldest - retention.oldestMs : Math.abs(oldest - retention.oldestMs) // stamps may be older
    checks.that('I16', wrong < 1, () => `the oldest ticket is of ${oldest} ms, not ${retention.oldestMs}`)
  }

  lookAtTheEnd(): void {
    const { checks, model, plan, pool, cast } = this.world
    if (plan.setup.retention.ms !== NEVER || plan.setup.ownRetention) return
    const listed = pool.tasks({ limit: 1_000 })
    const right = listed.length === Math.min(model.tickets.length + model.unread.length, 1_000)
    checks.that('I16', right, () => `${listed.length} tasks are listed, not ${model.tickets.length}`)
    for (const actor of cast.actors.toReversed()) if (actor.real !== undefined) cast.ticket(actor)
    this.compare()
    for (const { task, real } of cast.actors) {
      if (real === undefined) continue
      const found = pool.task(real.id) === real
      const expected = model.tickets.includes(task)
      checks.that('I16', found === expected, () => `the ticket of ${task.name} is ${found ? 'known' : 'unknown'}`)
    }
  }
}
