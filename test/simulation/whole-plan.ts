import { fullPlanOf } from './extras.js'
import { given } from './given.js'
import { type Action, type KeyPlan, type Operation, type Plan, type Setup, SNOOZING, type TaskPlan } from './plan.js'
import { Random } from './random.js'

/**
 * The full plan of a seed, in half of the seeds with snoozes, rates and bounds of keys, rates that change and retentions of
 * single tasks. Drawn apart: a kept seed keeps its plan.
 */
export function wholePlanOf(seed: number): Plan {
  const plan = fullPlanOf(seed)
  return seed % 4 < 2 ? plan : new Additions(plan, new Random(seed + 0x3b0d)).plan
}

class Additions {
  readonly plan: Plan
  readonly #random: Random
  readonly #snoozes: boolean
  /** Some functions ignore their signals: a stop has to interrupt them. */
  readonly #ignores: boolean
  readonly #retains: boolean
  readonly #keys: 'as they are' | 'with a rate' | 'with bounds of their own'
  /** The same for all rates of a pool, and for all of its keys: what a longer one counts is not promised. */
  readonly #intervalMs: number

  constructor(plan: Plan, random: Random) {
    this.#random = random
    this.#snoozes = random.chance(0.5)
    this.#retains = random.chance(0.3)
    this.#ignores = random.chance(0.2)
    this.#keys = random.pick(['as they are', 'with a rate', 'with bounds of their own'])
    this.#intervalMs = plan.setup.rateLimit?.intervalMs ?? this.#ms(random.chance(0.3) ? 5_000 : 50)
    const operations = plan.operations.map((operation) => this.#actionOf(operation))
    if (random.chance(0.4)) {
      for (let i = random.integer(1, 4); i > 0; i--)
        operations.splice(random.integer(0, operations.length), 0, this.#resize())
    }
    const reactions = plan.reactions.map((reaction) => ({
      ...reaction,
      actions: reaction.actions.map((action) => this.#actionOf(action))
    }))
    this.plan = { ...plan, setup: this.#setupOf(plan.setup), operations, reactions }
  }

  /** From 1: exact in binary, as all durations. */
  #ms(most: number): number {
    return this.#random.integer(1_024, most * 1_024) / 1_024
  }

  #setupOf(setup: Setup): Setup {
    const random = this.#random
    const whole = { ...setup }
    if (this.#retains) Object.assign(whole, { ownRetention: true, retention: { ...setup.retention, count: 1_000 } })
    if (this.#keys === 'with a rate') return { ...whole, perKey: { ...setup.perKey, rateLimit: this.#rate() } }
    if (this.#keys === 'as they are') return whole
    return { ...whole, ownBounds: Array.from({ length: random.integer(2, 5) }, () => this.#boundsOfKey()) }
  }

  #rate() {
    return { starts: this.#random.integer(1, 3), intervalMs: this.#intervalMs }
  }

  #boundsOfKey(): KeyPlan {
    const random = this.#random
    return given({
      concurrency: random.maybe(0.4, () => random.integer(1, 2)),
      queueCapacity: random.maybe(0.4, () => random.integer(0, 3)),
      rateLimit: random.maybe(0.6, () => this.#rate())
    })
  }

  #resize(): Operation {
    const rateLimit = this.#random.chance(0.2) ? null : this.#rate()
    return { do: 'resize', rateLimit, upTo: this.#random.pick(['nothing', 'microtasks', 'turn']) }
  }

  #actionOf<A extends Action | Operation>(action: A): A {
    return action.do === 'queue' || action.do === 'wait' ? { ...action, task: this.#taskOf(action.task) } : action
  }

  #taskOf(task: TaskPlan): TaskPlan {
    const random = this.#random
    const key = this.#keys === 'as they are' ? task.key : (task.key ?? random.pick([undefined, 'a', 'b']))
    const snoozes =
      this.#snoozes && random.chance(0.4)
        ? {
            calls: Array.from({ length: random.integer(1, 2) }, () => random.pick(SNOOZING)),
            ms: random.chance(0.2) ? 0 : this.#ms(30)
          }
        : undefined
    const attempts = this.#ignores && random.chance(0.2) ? (['is deaf'] as const) : task.attempts
    const retainMs =
      this.#retains && task.id === undefined && random.chance(0.5)
        ? random.pick([0, this.#ms(40), this.#ms(40), Number.POSITIVE_INFINITY])
        : undefined
    return given({
      ...task,
      attempts,
      inside: task.inside.map((action) => this.#actionOf(action)),
      key,
      snoozes,
      retainMs
    })
  }
}
