import type { PromiseId } from './checks.js'
import type { ModelTask } from './model-task.js'
import { Part } from './part.js'

/** What must hold between two operations; more the further the world went. */
export class Inspector extends Part {
  look(upTo: 'nothing' | 'microtasks' | 'turn'): void {
    const { checks, explainer, aborts, ledger, stops, callers, now } = this.world
    checks.rethrow()
    explainer.sync()
    aborts.learnAll((task) => task.runUntil <= now)
    ledger.compare()
    this.#lookForIdleness()
    this.world.selfWaits.look()
    stops.look()
    callers.look()
    this.#lookForTimers()
    if (upTo === 'nothing') return
    this.#lookForTheUnnoticed()
    this.world.answers.look()
    this.world.drains.look()
    if (upTo === 'turn') this.#lookAtLimits()
  }

  /** Nothing waits that could move. */
  #lookForIdleness(): void {
    const { checks, model, now, late, seen } = this.world
    if (model.queue.some(({ key }) => !model.keyRateAllows(key, now))) seen.add('a key over its rate')
    const vague = (late && model.isTimed) || model.grace === 'ending'
    if (vague) return
    checks.that('I5', model.next(now).length === 0, () => `${model.next(now)[0]?.name} could start and does not`)
    checks.that('I5', !model.lineMoves(now), () => `${model.line[0]?.name} could get in and does not`)
  }

  #lookForTimers(): void {
    const { checks, clock, drains, model } = this.world
    if (model.live > 0 || model.line.length > 0 || drains.open > 0 || model.state === 'stopping') return
    checks.that('I15', clock.alive === 0, () => 'an idle pool keeps the process alive')
  }

  /** No microtask is left: ends were noticed, tasks called, idle told. */
  #lookForTheUnnoticed(): void {
    const { checks, model, blocked } = this.world
    for (const task of model.running) {
      checks.that('I10', task.ended === undefined, () => `the end of ${task.name} was not noticed`)
    }
    const [uncalled] = model.uncalled
    checks.that('liveness', blocked || uncalled === undefined, () => `${uncalled?.name} is not called`)
    checks.that('liveness', model.live > 0 || model.state !== 'stopping', () => 'the pool does not come to its end')
    checks.that('I6', model.live > 0 || !model.busy, () => 'nobody was told idle')
  }

  /** All timers have fired: no limit may have passed unnoticed. */
  #lookAtLimits(): void {
    const { checks, model, now, cast, aborts, drains, stops } = this.world
    const passed = (id: PromiseId, what: string, task: ModelTask, at: number) =>
      checks.that(id, at > now, () => `${what} of ${task.name} has passed and nothing happened`)
    for (const task of model.running) {
      if (task.runUntil <= now || !task.plan.lazy) aborts.learn(cast.of(task))
      if (task.aborted === undefined && !task.cancelRequested) passed('I10', 'the limit', task, task.runUntil)
      if (!task.stuck) passed('I10', 'the patience', task, task.stuckAt)
    }
    for (const task of model.queue) if (task.calls === 0) passed('I10', 'the queue limit', task, task.queueUntil)
    for (const task of model.delayed) passed('liveness', 'the delay', task, task.retryAt)
    for (const task of model.line) passed('liveness', 'the wait', task, task.waitUntil)
    drains.lookAtLimits()
    stops.lookAtLimits()
  }

  /** What must hold when all is over. */
  lookAtTheEnd(): void {
    const { checks, clock, callers, stops, ears, unobserved, ledger } = this.world
    callers.lookAtTheEnd()
    checks.that('I15', clock.set === 0, () => 'a stopped pool has a timer')
    stops.lookAtTheEnd()
    ledger.lookAtTheEnd()
    ears.lookAtTheEnd()
    unobserved.lookAtTheEnd()
    checks.rethrow()
  }
}
