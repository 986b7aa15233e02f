import type { PoolEventName, StopReport, Task } from '../../src/index.js'
import { EVENTS } from '../support/event-names.js'
import type { Actor } from './actor.js'
import { Part } from './part.js'

/** Events that a quiet pool has no listener for. */
const QUIET = new Set<PoolEventName>(['succeeded', 'failed', 'canceled', 'settled'])

/** What `retrying` and `snoozed` say besides the task. */
interface Again {
  readonly error?: unknown
  readonly delayMs: number
}

function failingListener(event: PoolEventName): () => never {
  const error = new Error(`a listener of ${event} that fails`)
  return () => {
    throw error
  }
}

/** Listens to every event: each must come at its time, and say what is. */
export class Ears extends Part {
  /** How often each event was heard. */
  readonly emitted = new Map<PoolEventName, number>()

  /** Listens from now on, with listeners around that fail. */
  open(): void {
    const { pool, plan, checks } = this.world
    const { quiet, throwing, rejecting } = plan.setup
    for (const event of EVENTS) {
      if (throwing.includes(event)) pool.on(event, failingListener(event))
      if (rejecting.includes(event)) {
        const fail = failingListener(event)
        pool.on(event, async () => fail())
      }
      if (quiet && QUIET.has(event)) continue
      pool.on(event, (...args: unknown[]) => {
        checks.within(() => this.#hear(event, args))
      })
    }
  }

  #hear(event: PoolEventName, args: unknown[]): void {
    const { verdicts, entrance, ledger, selfWaits, plan } = this.world
    const nth = (this.emitted.get(event) ?? 0) + 1
    this.emitted.set(event, nth)
    const [first, second] = args
    if (event === 'refused') verdicts.hearRefused(first as { error: unknown; name?: string; key?: string })
    else if (event === 'queued') verdicts.hearQueued(first as Task)
    else this.#hearLater(event, first, second)
    entrance.noticeJoin()
    ledger.compareNowAndThen()
    for (const reaction of plan.reactions) {
      if (reaction.event === event && reaction.nth === nth) selfWaits.actOutside(reaction.actions)
    }
  }

  #hearLater(event: PoolEventName, first: unknown, second: unknown): void {
    const { explainer, stops } = this.world
    explainer.sync()
    if (event === 'idle') this.#hearIdle()
    else if (event === 'stopping') stops.hearStopping()
    else if (event === 'stopped') stops.hearStopped(first as StopReport)
    else this.#hearTask(event, first as Task, second as Again | undefined)
  }

  #hearIdle(): void {
    const { model, checks } = this.world
    checks.that('I6', model.live === 0 && model.busy, () => 'idle was told at another time')
    model.busy = false
  }

  #hearTask(event: PoolEventName, real: Task, again: Again | undefined): void {
    const { cast, checks, attempts } = this.world
    const actor = cast.named(real.name)
    const { task, events } = actor
    checks.that('I7', real === actor.real, () => `${event} of another task than ${task.name}`)
    checks.that('I6', !events.includes('settled'), () => `${event} of ${task.name} after it had settled`)
    events.push(event)
    if (event === 'started') attempts.hearStarted(actor)
    else if (event === 'retrying' || event === 'snoozed') this.#hearAgain(actor, event, again)
    else if (event === 'stuck') this.#hearStuck(actor)
    else if (event === 'progress') {
      checks.that('I10', task.plan.progress && task.entered, () => `progress of ${task.name}`)
    } else {
      const { state } = real
      const right = event === 'settled' ? events.at(-2) === state : event === state
      checks.that('I7', right, () => `${event} of ${task.name}, which has ${state}`)
    }
  }

  #hearAgain(actor: Actor, event: 'retrying' | 'snoozed', told: Again | undefined): void {
    const { again: expected, task } = actor
    actor.again = undefined
    const right = expected?.event === event && expected.error === told?.error && expected.delayMs === told?.delayMs
    this.world.checks.that('I10', right, () => `${event} ${task.name} with ${JSON.stringify(told)}`)
  }

  #hearStuck(actor: Actor): void {
    const { aborts, checks, now, seen } = this.world
    const { task } = actor
    aborts.learn(actor)
    const due = task.stuckAt <= now && !task.stuck && task.place === 'running'
    checks.that('I10', due, () => `${task.name} is told to be stuck`)
    task.stuck = true
    seen.add('stuck')
  }

  /** Every accepted task has told all that became of it, in order. */
  lookAtTheEnd(): void {
    const { cast, checks } = this.world
    for (const { task, events, real, outcome } of cast.actors) {
      if (real === undefined) continue
      checks.that('liveness', task.settled && outcome !== undefined, () => `${task.name} has not settled`)
      const order = events.filter((event) => event !== 'progress' && event !== 'stuck')
      const expected: string[] = ['queued', ...task.turns.flatMap((turn) => ['started', turn])]
      if (task.calls > task.turns.length) expected.push('started')
      if (!this.world.plan.setup.quiet) expected.push(task.place, 'settled')
      checks.that('I8', order.join() === expected.join(), () => `${task.name} told ${order.join()}`)
      checks.that('I7', real.state === task.place, () => `${task.name} changed from ${task.place} to ${real.state}`)
      checks.same('I8', 'the attempt', real.record().attempt, task.attempt)
    }
  }
}
