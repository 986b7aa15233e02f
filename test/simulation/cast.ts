import type { Task, TaskRecord } from '../../src/index.js'
import { Actor } from './actor.js'
import { ModelTask } from './model-task.js'
import { Part } from './part.js'
import type { Target, TaskPlan } from './plan.js'

/** Every task that was ever handed over, whatever came of it. */
export class Cast extends Part {
  readonly actors: Actor[] = []
  readonly #actorOf = new Map<ModelTask, Actor>()
  readonly #byName = new Map<string, Actor>()

  make(plan: TaskPlan, waitSignal?: number): Actor {
    const { callers, plan: all } = this.world
    const signal = callers.signal(plan.signal)
    const patience = callers.signal(waitSignal)
    const hasLeft = () => signal?.aborted === true || patience?.aborted === true
    const task = new ModelTask(`t${this.actors.length + 1}`, plan, hasLeft)
    const actor = new Actor(task, plan.retry ?? all.setup.retry, signal, patience)
    this.actors.push(actor)
    this.#actorOf.set(task, actor)
    this.#byName.set(task.name, actor)
    return actor
  }

  of(task: ModelTask): Actor {
    return this.#actorOf.get(task) as Actor
  }

  /** The ticket. Whoever reads it has it. */
  ticket(actor: Actor): string {
    const { task } = actor
    const real = actor.real as Task
    const settled = real.state !== 'queued' && real.state !== 'running'
    if (settled && !task.settled) task.readOnceSettled = true
    else this.world.model.readTicket(task)
    return real.id
  }

  /** The record, and with it the ticket. */
  record(actor: Actor): TaskRecord {
    this.ticket(actor)
    return (actor.real as Task).record()
  }

  /** Whom an event is about. */
  named(name: string | undefined): Actor {
    const actor = this.#byName.get(name ?? '')
    this.world.checks.that('I7', actor !== undefined, () => `an event names ${name}`)
    return actor as Actor
  }

  byName(name: string): Actor | undefined {
    return this.#byName.get(name)
  }

  /** An accepted task that is meant. */
  accepted(target: Target): Actor | undefined {
    if (typeof target === 'string') {
      const actor = this.#byName.get(target)
      return actor?.real === undefined ? undefined : actor
    }
    const accepted = this.actors.filter(({ real }) => real !== undefined)
    // mostly those that live: what has settled long ago is boring
    const lively = accepted.filter(({ task }) => !task.settled)
    const choice = lively.length > 0 && target % 4 > 0 ? lively : accepted
    return choice[target % Math.max(choice.length, 1)]
  }

  /** Ends a function that waits. */
  end(target: Target, well: boolean): void {
    if (typeof target === 'string') return this.#byName.get(target)?.finish?.(well)
    const waiting = this.actors.filter(({ finish }) => finish !== undefined)
    waiting[target % Math.max(waiting.length, 1)]?.finish?.(well)
  }

  /** Ends every function that waits. */
  endAll(): void {
    for (const { finish } of this.actors) finish?.(true)
  }
}
