/** The promises that a simulation watches: the invariants, and that everything ends once the faults have. */
export const PROMISES = {
  I1: 'the books balance; counters are never negative and totals never fall',
  I2: 'functions alive never exceed the concurrency, also after a timeout and a cancel',
  I3: 'accepted work that has not settled never exceeds concurrency + queueCapacity',
  I4: 'a task is refused exactly when the rules say so, and invalid calls count nowhere',
  I5: 'no worker is free while a task that may start is queued',
  I6: 'an accepted task reaches one terminal state, tells it once and settles its promises once',
  I7: 'record, event and promise agree whenever they can be seen',
  I8: 'tasks make legal moves only, and the attempt grows by one per start',
  I9: 'no function is called after a terminal state or with a signal that has aborted',
  I10: 'the outcome is honest: it is what the function did or what somebody asked for',
  I11: 'first in, first out within priority and key; keys take turns; the line keeps its order',
  I12: 'nothing starts after a stop but what its grace allows',
  I13: 'the answer of cancel is true',
  I14: 'a caller has at most one listener on its signal, and none after the last task or wait that needs it',
  I15: 'no timer keeps the process alive while the pool is idle',
  I16: 'no more settled tasks are retained than asked for, and none for longer',
  I17: 'what listeners and hooks throw changes nothing, and is told once',
  liveness: 'after the faults end, everything accepted settles and every wait ends'
} as const

export type PromiseId = keyof typeof PROMISES

/** A promise that was not kept. */
export class Broken extends Error {
  readonly id: PromiseId

  constructor(id: PromiseId, message: string) {
    super(`${id}: ${message}`)
    this.id = id
  }
}

/** Counts what was looked at, and keeps what was broken until the main flow can throw it. */
export class Checks {
  readonly made: Record<PromiseId, number>
  readonly #broken: Error[] = []

  constructor() {
    this.made = Object.fromEntries(Object.keys(PROMISES).map((id) => [id, 0])) as Record<PromiseId, number>
  }

  that(id: PromiseId, holds: boolean, message: () => string): void {
    this.made[id]++
    if (!holds) throw new Broken(id, message())
  }

  same(id: PromiseId, name: string, real: unknown, expected: unknown): void {
    this.made[id]++
    if (real !== expected) throw new Broken(id, `${name} is ${String(real)}, not ${String(expected)}`)
  }

  /** Runs what is called from inside the pool, where a throw would be swallowed or change what is watched. */
  within<R>(step: () => R): R | undefined {
    try {
      return step()
    } catch (error) {
      this.#broken.push(error instanceof Error ? error : new Error(`not an error: ${String(error)}`))
      return undefined
    }
  }

  /** Throws the first thing that was broken. */
  rethrow(): void {
    if (this.#broken.length > 0) throw this.#broken[0]
  }
}
