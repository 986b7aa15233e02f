import { AsyncResource } from 'node:async_hooks'
import type { Actor, Watched } from './actor.js'
import type { Inside } from './model-task.js'
import { Part } from './part.js'
import type { Action } from './plan.js'

/** What tasks do inside, and what of it they wait for. */
export class SelfWaits extends Part {
  #inside: { readonly actor: Actor; readonly call: number } | undefined
  readonly #outside = new AsyncResource('outside of any task')

  /** Does what a task has to do inside. */
  act(actor: Actor): void {
    const outer = this.#inside
    this.#inside = { actor, call: actor.task.calls }
    for (const action of actor.task.plan.inside) this.world.perform(action)
    this.#inside = outer
  }

  /** Does something outside of any task, whoever is the cause. */
  actOutside(actions: readonly Action[]): void {
    const outer = this.#inside
    this.#inside = undefined
    this.#outside.runInAsyncScope(() => {
      for (const action of actions) this.world.perform(action)
    })
    this.#inside = outer
  }

  /** The call inside which this is, if it goes on and the pool looks for such. */
  get current(): Inside | undefined {
    const { model, plan } = this.world
    if (this.#inside === undefined || plan.setup.detectSelfWait !== true) return undefined
    const { actor, call } = this.#inside
    const inside = { task: actor.task, call }
    return model.goesOn(inside) ? inside : undefined
  }

  /** The call inside which this is may wait for something, which has an end. */
  began(watched: Watched): void {
    if (this.#inside === undefined) return
    const { actor, call } = this.#inside
    if (actor.alive && actor.task.calls === call) actor.began.push(watched)
  }

  /** Nobody waits for himself for ever. */
  look(): void {
    const { checks, model, plan, late, now } = this.world
    if (plan.setup.detectSelfWait !== true || (late && model.isTimed)) return
    const hopeless = model.deadlocked(now)
    checks.that('I4', hopeless === undefined, () => `${hopeless?.name} waits for itself`)
  }
}
