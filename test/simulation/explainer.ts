import type { Task } from '../../src/index.js'
import type { ModelTask } from './model-task.js'
import { Part } from './part.js'

/** Explains to the model whatever the pool did while nobody looked: ends, retries and starts, in an order that could be. */
export class Explainer extends Part {
  /** The timer that fires now should have fired earlier. */
  firingLate = false
  /** When those should have left the line who left it since then. */
  readonly #left: number[] = []

  /** Timers fire now, late or not. */
  fire(late: boolean): void {
    this.firingLate = late
    this.#left.length = 0
  }

  /** A caller has left the line. */
  leaves({ waitUntil }: ModelTask): void {
    this.#left.push(waitUntil)
  }

  /** Explains what the pool did since the last look. */
  sync(): void {
    const { model, checks } = this.world
    if (this.firingLate) this.#explainLateTimers()
    this.#explainPause()
    for (let again = true; again; ) {
      again = this.#explainEnds()
      if (this.#explainStarts()) again = true
      if (!again && this.#explainRequeue()) again = true
    }
    for (const task of model.queue) {
      checks.that('I11', this.#stateOf(task) === 'queued', () => `${task.name} started out of order`)
    }
    for (const task of model.delayed) {
      checks.that('I8', this.#stateOf(task) === 'queued', () => `${task.name} started before its time`)
    }
  }

  /** A pause may have ended by itself. */
  #explainPause(now = this.world.now): void {
    const { model, pool } = this.world
    if (model.paused && model.pausedUntil <= now && !pool.stats().paused) model.paused = false
  }

  #stateOf(task: ModelTask): Task['state'] | undefined {
    return this.world.cast.of(task).real?.state
  }

  /**
   * Late timers fire in the order of their times, with nobody looking in between: a rate that opened, a retry, a limit of
   * the queue or of a wait for room. After each of them starts whoever may by now.
   */
  #explainLateTimers(): void {
    const { model, now } = this.world
    const times = [model.rateOpenedAt, ...model.delayed.map(({ retryAt }) => retryAt)]
    if (model.paused) times.push(model.pausedUntil)
    times.push(...[...model.queue, ...model.uncalled].map(({ queueUntil }) => queueUntil), ...this.#left)
    times.push(...[...model.queue, ...model.line].map(({ key }) => model.keyOpensAt(key)).filter(Number.isFinite))
    for (const time of times.filter((at) => at <= now).sort((a, b) => a - b)) {
      this.#explainPause(time)
      this.#explainRequeue(time)
      for (const task of [...model.queue, ...model.uncalled]) {
        if (task.queueUntil <= time && this.#hasWaitedTooLong(task)) {
          this.world.outcomes.explainEnd(this.world.cast.of(task), 'canceled')
        }
      }
      this.#explainStarts()
    }
  }

  #hasWaitedTooLong(task: ModelTask): boolean {
    const actor = this.world.cast.of(task)
    return actor.real?.state === 'canceled' && this.world.cast.record(actor).reason === 'queue_timeout'
  }

  #explainEnds(): boolean {
    const { model, cast, outcomes } = this.world
    let any = false
    for (const list of [model.running, model.queue, model.delayed]) {
      for (const task of list) {
        const actor = cast.of(task)
        const { state } = actor.real as Task
        if (state === 'running') continue
        if (state !== 'queued') outcomes.explainEnd(actor, state)
        else if (task.place === 'running') outcomes.explainDelay(actor)
        else continue
        any = true
      }
    }
    return any
  }

  #explainStarts(): boolean {
    const { model, now } = this.world
    for (let any = false; ; any = true) {
      const next = model.next(now).find((task) => this.#hasStarted(task))
      if (next === undefined) return any
      model.start(next, now)
    }
  }

  /** It runs; or it got a worker, but a late timer told the end of its time in the queue before it was called. */
  #hasStarted(task: ModelTask): boolean {
    return this.#stateOf(task) === 'running' || (this.firingLate && this.#hasWaitedTooLong(task))
  }

  #explainRequeue(now = this.world.now): boolean {
    const { model, cast } = this.world
    let due: ModelTask | undefined
    for (const task of model.delayed) {
      if (task.retryAt <= now && (due === undefined || task.retryAt < due.retryAt)) due = task
    }
    if (due === undefined) return false
    const actor = cast.of(due)
    if (actor.real?.state === 'queued' && cast.record(actor).position === undefined) return false
    model.requeue(due, this.world.now)
    return true
  }
}
