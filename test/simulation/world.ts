import { WorkerPool } from '../../src/index.js'
import { Aborts } from './aborts.js'
import { Answers } from './answers.js'
import { Arrivals } from './arrivals.js'
import { Attempts } from './attempts.js'
import { Callers } from './callers.js'
import { Cast } from './cast.js'
import { Checks } from './checks.js'
import { Drains } from './drains.js'
import { Ears } from './ears.js'
import { Entrance } from './entrance.js'
import { Explainer } from './explainer.js'
import { given } from './given.js'
import { Inspector } from './inspector.js'
import { Ledger } from './ledger.js'
import { Model } from './model.js'
import { Outcomes } from './outcomes.js'
import type { Action, Plan } from './plan.js'
import { SelfWaits } from './self-waits.js'
import { Stops } from './stops.js'
import { Unobserved } from './unobserved.js'
import { Verdicts } from './verdicts.js'
import { VirtualClock } from './virtual-clock.js'

/** A timer is late that fires later than this: less is rounding. */
export const LATE_MS = 2

/**
 * A pool, a model of it, and everything around that may go wrong. Whenever code of ours runs, in a listener, a task or a
 * hook, what the pool shows is explained to the model; what cannot be explained, and what the model expects and is not
 * there, is a broken promise.
 */
export class World {
  readonly plan: Plan
  readonly model: Model
  readonly pool: WorkerPool
  readonly clock = new VirtualClock()
  readonly checks = new Checks()
  /** Which ends came up, for the statistics. */
  readonly seen = new Set<string>()

  readonly callers = new Callers(this)
  readonly cast = new Cast(this)
  readonly entrance = new Entrance(this)
  readonly verdicts = new Verdicts(this)
  readonly attempts = new Attempts(this)
  readonly selfWaits = new SelfWaits(this)
  readonly aborts = new Aborts(this)
  readonly outcomes = new Outcomes(this)
  readonly answers = new Answers(this)
  readonly arrivals = new Arrivals(this)
  readonly drains = new Drains(this)
  readonly stops = new Stops(this)
  readonly explainer = new Explainer(this)
  readonly ears = new Ears(this)
  readonly unobserved = new Unobserved(this)
  readonly ledger = new Ledger(this)
  readonly inspector = new Inspector(this)

  /** Timers may be due that nobody has fired. */
  late = false
  /** The loop was blocked in this turn, so that what is left of it may be nothing. */
  blocked = false
  /** A late timer has fired; what it was for comes when the loop comes round. */
  overdue = false
  /** The faults have ended. */
  healing = false

  constructor(plan: Plan) {
    this.plan = plan
    this.model = new Model(plan.setup)
    this.pool = this.#makePool()
    this.ears.open()
  }

  #makePool(): WorkerPool {
    const { retry, started, quiet, throwing, rejecting, ownBounds, ownRetention, ...bounds } = this.plan.setup
    return new WorkerPool({
      ...bounds,
      ...given({ retry: retry && this.attempts.retryOptions(retry) }),
      ...given({ perKey: ownBounds && ((key: string) => this.entrance.boundsOf(key, ownBounds)) }),
      clock: this.clock,
      captureContext: this.plan.seed % 2 === 0,
      onUnobservedError: (error, source) => {
        this.checks.within(() => this.unobserved.hear(error, source))
        if (this.hookThrows) throw new Error('a hook that throws')
      }
    })
  }

  /** Even the last resort for errors fails. */
  get hookThrows(): boolean {
    return this.plan.seed % 7 === 0
  }

  get now(): number {
    return this.clock.time
  }

  perform(action: Action): void {
    this.explainer.sync()
    this.#perform(action)
    this.explainer.sync()
  }

  #perform(action: Action): void {
    switch (action.do) {
      case 'queue':
        return this.entrance.queue(action.task, action.asks)
      case 'wait':
        return this.entrance.wait(action)
      case 'queue aborted':
        return this.entrance.queueAborted(action.waits)
      case 'cancel':
        return this.aborts.cancel(action)
      case 'end':
        return this.cast.end(action.target, action.well)
      case 'ask':
        return this.answers.askOne(action.target)
      case 'abort':
        return this.callers.abort(action.signal)
      case 'start':
        return this.stops.start()
      case 'pause':
        return this.#pause(action.forMs)
      case 'reprioritize':
        return this.#reprioritize(action)
      case 'cancel all':
        return this.aborts.cancelAll(action)
      case 'forget':
        return this.#forget(action)
      case 'resume':
        return this.resume()
      case 'resize':
        return this.#resize(action)
      case 'drain':
        return this.drains.drain(action)
      case 'stop':
        return this.stops.stop(action.graceMs, action.forceMs, action.queued)
      default:
        return action satisfies never
    }
  }

  #pause(forMs = Number.POSITIVE_INFINITY): void {
    const { model } = this
    if (model.state === 'created' || model.state === 'running') {
      model.pausedUntil = Math.max(model.paused ? model.pausedUntil : 0, this.now + forMs)
      model.paused = true
    }
    this.pool.pause({ forMs })
    if (forMs < Number.POSITIVE_INFINITY) this.seen.add('a pause with an end')
  }

  #reprioritize({ target, priority }: Action & { readonly do: 'reprioritize' }): void {
    const actor = this.cast.accepted(target)
    if (actor === undefined) return
    const expected = this.model.reprioritize(actor.task, priority)
    const answer = actor.real?.reprioritize(priority)
    this.checks.that('I13', answer === expected, () => `reprioritize answered ${answer}, not ${expected}`)
    if (answer) this.seen.add('another priority')
  }

  #forget({ target }: Action & { readonly do: 'forget' }): void {
    const { model } = this
    const actor = this.cast.accepted(target)
    if (actor === undefined) return
    const { task } = actor
    const isRetained = model.tickets.includes(task) || model.unread.includes(task)
    const answer = actor.real?.forget()
    const mayExpire = task.plan.retainMs !== undefined || this.plan.setup.retention.ms < Number.POSITIVE_INFINITY
    const right = answer === isRetained || (isRetained && mayExpire)
    this.checks.that('I16', right, () => `forget answered ${answer}, not ${isRetained}`)
    if (!task.settled) return
    task.hasTicket = true
    model.tickets = model.tickets.filter((other) => other !== task)
    model.unread = model.unread.filter((other) => other !== task)
    if (answer) this.seen.add('forgotten')
  }

  resume(): void {
    const { model } = this
    if (model.state === 'created' || model.state === 'running') model.paused = false
    this.pool.resume()
  }

  #resize({ concurrency, queueCapacity, rateLimit }: Action & { readonly do: 'resize' }): void {
    const sizes = given({ concurrency, queueCapacity })
    Object.assign(this.model, sizes)
    if (rateLimit !== undefined) {
      this.model.limitRate(rateLimit)
      this.seen.add('another rate')
    }
    this.pool.resize({ ...sizes, ...given({ rateLimit }) })
  }

  /** Fires the first timer that is due. If it is late, only what is less late fires yet: the loop has a turn first. */
  fire(): void {
    const { clock } = this
    if (this.now - clock.next > LATE_MS) {
      this.overdue = true
      this.#endGrace()
      clock.fire()
      this.explainer.sync()
    } else this.#firing(clock.next < this.now, () => clock.fire())
  }

  /** The loop comes round; late timers fire now. Says whether anybody waited for that. */
  comeRound(): boolean {
    const { clock, overdue } = this
    if (!overdue) return clock.turn()
    this.overdue = false
    this.#firing(true, () => clock.turn())
    return true
  }

  #firing(late: boolean, fire: () => void): void {
    const { model, explainer } = this
    this.#endGrace()
    explainer.fire(late)
    fire()
    explainer.sync()
    explainer.fire(false)
    this.aborts.learnAll((task) => task.runUntil <= this.now || model.grace === 'ending')
    if (model.grace === 'ending' && model.graceAt <= this.now) model.grace = 'over'
  }

  #endGrace(): void {
    const { model } = this
    if (model.state === 'stopping' && model.grace === 'open' && model.graceAt <= this.now) model.grace = 'ending'
  }

  /** The loop has come round: what was asked to end in it was asked now. */
  notice(): void {
    this.explainer.sync()
    this.aborts.learnAll(() => this.model.grace === 'over')
  }
}
