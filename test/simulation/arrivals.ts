import type { Actor } from './actor.js'
import { Part } from './part.js'
import type { Target } from './plan.js'
import { microtasks } from './virtual-clock.js'
import { LATE_MS } from './world.js'

/** Something that a function waits for, and that has arrived but was not read yet. */
interface Arrival {
  readonly actor: Actor
  /** Which call of its function. */
  readonly call: number
  readonly well: boolean
}

/** What arrives from outside while the event loop is elsewhere: it is read once timers that are due have fired. */
export class Arrivals extends Part {
  #arrived: Arrival[] = []

  /** What a running function waits for arrives in time: its limit has not passed yet. */
  announce(target: Target, well: boolean): void {
    const { cast, explainer, aborts, now } = this.world
    explainer.sync()
    const waiting = cast.actors.filter(({ finish, task }) => finish !== undefined && task.runUntil > now)
    const actor = typeof target === 'string' ? cast.byName(target) : waiting[target % Math.max(waiting.length, 1)]
    if (actor?.finish === undefined) return
    aborts.learn(actor)
    if (actor.task.aborted === undefined) this.#arrived.push({ actor, call: actor.task.calls, well })
  }

  /** The loop reads what has arrived, and the pool learns of it before late timers fire. Says whether there was anything. */
  async deliver(): Promise<boolean> {
    const arrived = this.#arrived
    this.#arrived = []
    for (const { actor, call, well } of arrived) {
      this.world.explainer.sync()
      if (actor.task.calls !== call || actor.finish === undefined) continue
      this.world.aborts.learn(actor)
      this.world.checks.that(
        'I10',
        actor.task.aborted?.by !== 'timeout' || this.world.now - actor.task.runUntil <= LATE_MS,
        () => `what ${actor.task.name} waited for arrived in time, and yet it timed out`
      )
      actor.finish(well)
    }
    if (arrived.length === 0) return false
    await microtasks()
    this.world.explainer.sync()
    return true
  }
}
