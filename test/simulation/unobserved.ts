import { type PoolEventName, TaskInterruptedError, type UnobservedSource } from '../../src/index.js'
import type { Actor } from './actor.js'
import { Part } from './part.js'

/** What the pool tells because nobody else would see it: errors of listeners and hooks, failures nobody asked about. */
export class Unobserved extends Part {
  readonly #toldOf = new Map<PoolEventName, number>()

  hear(error: unknown, { event, task }: UnobservedSource): void {
    const { checks, explainer, cast } = this.world
    if (event !== undefined) {
      this.#toldOf.set(event, (this.#toldOf.get(event) ?? 0) + 1)
      checks.that('I17', String(error).includes(`a listener of ${event}`), () => `told ${String(error)}`)
      return
    }
    explainer.sync()
    const actor = cast.named(task?.name)
    actor.told++
    if (actor.task.settled && actor.outcome?.to === 'failed' && error === actor.outcome.value) actor.failureTold++
  }

  lookAtTheEnd(): void {
    const { cast, ears, plan, checks } = this.world
    const { throwing, rejecting } = plan.setup
    for (const actor of cast.actors) if (actor.real !== undefined) this.#lookAtTask(actor)
    for (const [event, times] of ears.emitted) {
      const expected = times * (Number(throwing.includes(event)) + Number(rejecting.includes(event)))
      const told = this.#toldOf.get(event) ?? 0
      checks.that('I17', told === expected, () => `${told} errors of listeners of ${event} were told, not ${expected}`)
    }
  }

  #lookAtTask(actor: Actor): void {
    const { checks, plan } = this.world
    const { told, hookErrors, failureTold, outcome, task } = actor
    if (outcome?.value === TaskInterruptedError) return
    const { quiet, throwing, rejecting } = plan.setup
    const heard = !quiet || [...throwing, ...rejecting].some((event) => event === 'failed' || event === 'settled')
    const silent = heard || outcome?.to !== 'failed' || actor.askedInTime
    const expected = hookErrors + (silent ? 0 : 1)
    const right = told === expected || (actor.askedLate && told === hookErrors)
    checks.that('I17', right, () => `${told} errors of ${task.name} were told, not ${expected}`)
    if (silent || actor.askedLate) return
    checks.that('I17', failureTold === 1, () => `the failure of ${task.name} was not told`)
  }
}
