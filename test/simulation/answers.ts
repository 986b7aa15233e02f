import { type Task, TaskCanceledError, TaskInterruptedError } from '../../src/index.js'
import { type Actor, type Outcome, Watched } from './actor.js'
import { Part } from './part.js'
import type { Target } from './plan.js'

/** Promises that were asked for: of results, of settlements, of places. */
export class Answers extends Part {
  askOne(target: Target): void {
    const actor = this.world.cast.accepted(target)
    if (actor === undefined) return
    this.ask(actor)
    if (actor.task.settled) this.world.cast.ticket(actor)
  }

  ask(actor: Actor): void {
    const real = actor.real as Task
    this.world.explainer.sync()
    if (actor.task.settled) actor.askedLate = true
    else actor.askedInTime = true
    actor.results.push(new Watched(real.result()))
    actor.settlements.push(new Watched(real.settled()))
  }

  /** What each came to, once no microtask is left. */
  look(): void {
    for (const actor of this.world.cast.actors) {
      this.#lookAtPlace(actor)
      if (actor.outcome === undefined) this.#lookAtUnanswered(actor)
      else this.#lookAtAnswered(actor)
    }
  }

  /** What came of a call of `queueTaskWhenFree`. */
  #lookAtPlace({ task, waiting, refusal, joined: other, real }: Actor): void {
    const { checks } = this.world
    const result = waiting?.outcome
    if (other !== undefined) {
      checks.that('I4', result?.well === true && result.value === other.real, () => `${task.name} joined another`)
    }
    if (waiting !== undefined && task.place !== 'line' && task.place !== 'new') {
      const right =
        task.place === 'refused'
          ? result?.well === false && result.error === refusal
          : result?.well === true && result.value === real
      const joined = task.place === 'refused' && task.plan.join && result?.well === true
      checks.that('I7', right || joined === true, () => `the wait of ${task.name} came to ${JSON.stringify(result)}`)
    }
    if (task.place === 'line') {
      checks.that('I6', result === undefined, () => `the wait of ${task.name} is over, but it is in the line`)
    }
  }

  #lookAtUnanswered({ task, results }: Actor): void {
    if (results.length === 0) return
    const early = results.some((watched) => watched.outcome !== undefined)
    this.world.checks.that('I6', !early, () => `the result of ${task.name} came too early`)
  }

  #lookAtAnswered(actor: Actor): void {
    const { checks } = this.world
    const { task, results, settlements, outcome, real } = actor
    for (const { outcome: result, times } of results) {
      const right = result !== undefined && times === 1 && isOutcome(actor, result)
      checks.that('I6', right, () => `the result of ${task.name} is ${JSON.stringify(result)}, not ${outcome?.to}`)
    }
    for (const { outcome: result } of settlements) {
      checks.that('I6', result?.well === true && result.value === real, () => `${task.name} did not settle`)
    }
    results.length = 0
    settlements.length = 0
  }
}

function isOutcome(actor: Actor, result: Outcome): boolean {
  const { to, value, by } = actor.outcome as NonNullable<Actor['outcome']>
  if (to === 'succeeded') return result.well && result.value === value
  if (result.well) return false
  const { error } = result
  if (to === 'canceled') return error instanceof TaskCanceledError && error.reason === by
  return value === TaskInterruptedError ? error instanceof TaskInterruptedError : error === value
}
