import { Part } from './part.js'
import { UserSignal } from './user-signal.js'

/** The signals with which callers end their tasks, waits and drains. */
export class Callers extends Part {
  readonly #signals = new Map<number, UserSignal>()
  readonly #aborted: UserSignal[] = []

  /** The signal of this number, made when it is first given to somebody. */
  signal(index: number): UserSignal
  signal(index: number | undefined): UserSignal | undefined
  signal(index: number | undefined): UserSignal | undefined {
    if (index === undefined) return undefined
    const signal = this.#signals.get(index) ?? new UserSignal(`signal ${index}`)
    this.#signals.set(index, signal)
    return signal
  }

  abort(index: number): void {
    const { explainer, aborts, cast, checks } = this.world
    const signal = this.signal(index)
    explainer.sync()
    aborts.learnAll()
    this.#signals.delete(index)
    this.#aborted.push(signal)
    signal.abort()
    explainer.sync()
    for (const actor of cast.actors) if (actor.signal === signal && actor.task.called) aborts.learn(actor)
    checks.that('I14', signal.listeners === 0, () => `${signal.listeners} listeners on a signal that has aborted`)
  }

  look(): void {
    const { checks, late, drains } = this.world
    const wanted = this.#wantedByTasks()
    const { open, overdue } = drains.signals()
    for (const signal of new Set([...this.#signals.values(), ...wanted, ...open])) {
      checks.that('I14', signal.mostListeners <= 1, () => `${signal.mostListeners} listeners on one signal`)
      if (signal.aborted || overdue.has(signal)) continue
      const expected = wanted.has(signal) || open.has(signal)
      const right = late || signal.listeners === (expected ? 1 : 0)
      checks.that('I14', right, () => `${signal.listeners} listeners on a signal, wanted: ${expected}`)
    }
  }

  #wantedByTasks(): Set<UserSignal> {
    const { model, cast, checks } = this.world
    const wanted = new Set<UserSignal>()
    for (const list of [model.running, model.queue, model.delayed, model.line]) {
      for (const task of list) {
        const { signal, waitSignal } = cast.of(task)
        if (signal !== undefined) wanted.add(signal)
        if (task.place === 'line' && waitSignal !== undefined) wanted.add(waitSignal)
        if (task.place !== 'running' && signal?.aborted)
          checks.that('I10', false, () => `${task.name} is ${task.place}, but its signal has aborted`)
      }
    }
    return wanted
  }

  lookAtTheEnd(): void {
    for (const signal of [...this.#signals.values(), ...this.#aborted]) {
      const { listeners } = signal
      this.world.checks.that('I14', listeners === 0, () => `${listeners} listeners are left on a signal`)
    }
  }
}
