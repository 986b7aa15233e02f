import type { Task } from '../../src/index.js'
import type { ModelTask } from './model-task.js'
import { Part } from './part.js'

/** Explains to the model whatever the pool did while nobody looked: ends, retries and starts, in an order that could be. */
export class Explainer extends Part {
  /** The timer that fires now should have fired earlier. */
  firingLate = false
  #looks = 0
  /** The last look that saw a task come back from its delay. */
  #requeuedIn = 0

  /** Explains what the pool did since the last look. */
  sync(): void {
    const { model, checks } = this.world
    const look = ++this.#looks
    for (let again = true; again; ) {
      again = this.#explainEnds()
      // retries that were due before the rate opened came first, one by one
      while (this.firingLate && this.#explainRequeue(Math.min(model.rateOpenedAt, this.world.now))) {
        this.#requeuedIn = look
        if (this.#explainStarts()) again = true
      }
      if (this.#explainStarts()) again = true
      if (!again && this.#explainRequeue()) {
        again = true
        this.#requeuedIn = look
      }
    }
    for (const task of model.queue) {
      checks.that('I11', this.#stateOf(task) === 'queued', () => `${task.name} started out of order`)
    }
    for (const task of model.delayed) {
      checks.that('I8', this.#stateOf(task) === 'queued', () => `${task.name} started before its time`)
    }
  }

  #stateOf(task: ModelTask): Task['state'] | undefined {
    return this.world.cast.of(task).real?.state
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
    const { model } = this.world
    const look = this.#looks
    for (let any = false; ; any = true) {
      let next = model.next(this.world.now).find((task) => this.#stateOf(task) === 'running')
      if (next === undefined) {
        next = this.#startedLate()
        if (next === undefined) return any
        this.#requeuedIn = look
      }
      model.start(next)
      next.startedIn = look
    }
  }

  /**
   * Timers that fire late fire in the order of their times, with nobody looking in between: a rate that opened, a retry
   * and a limit of the queue. What started then was at least the first of its priority and key.
   */
  #startedLate(): ModelTask | undefined {
    const { model, now } = this.world
    if (!this.firingLate || !model.open || model.running.length >= model.concurrency || !model.rateAllows(now)) {
      return undefined
    }
    const started = model.queue.find((task) => this.#stateOf(task) === 'running')
    if (started === undefined) return undefined
    const { priority, key } = started
    return model.queue.find((task) => task.priority === priority && task.key === key) === started ? started : undefined
  }

  #explainRequeue(now = this.world.now): boolean {
    const { model, cast } = this.world
    let due: ModelTask | undefined
    for (const task of model.delayed) {
      if (task.retryAt <= now && (due === undefined || task.retryAt < due.retryAt)) due = task
    }
    if (due === undefined) return false
    const real = cast.of(due).real as Task
    if (real.state === 'queued' && real.record().position === undefined) return false
    model.requeue(due)
    return true
  }

  /**
   * A task has reached the limit of its time in the queue. Late timers fire in the order of their times: retries before
   * this one's limit, and then perhaps its own start, came unseen.
   */
  explainBeforeLimit(task: ModelTask): void {
    const { model } = this.world
    do this.#explainStarts()
    while (this.#explainRequeue(task.queueUntil))
    const late = task.place === 'queued' && model.rateOpenedAt <= task.queueUntil
    if (late && model.next(this.world.now).includes(task)) model.start(task)
  }

  /** Whether two starts may have come in either order: a retry and a late rate that both came due with nobody looking. */
  mayHaveSwapped(one: ModelTask | undefined, other: ModelTask): boolean {
    return one?.startedIn === other.startedIn && other.startedIn === this.#requeuedIn
  }
}
