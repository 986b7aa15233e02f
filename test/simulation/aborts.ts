import { PoolStoppedError, type Task, TaskCanceledError, type TaskContext, TaskTimeoutError } from '../../src/index.js'
import type { Actor } from './actor.js'
import { given } from './given.js'
import type { By, ModelTask } from './model-task.js'
import { Part } from './part.js'
import type { Action } from './plan.js'

const NEVER = Number.POSITIVE_INFINITY

/** Who asked tasks to end, and why. */
export class Aborts extends Part {
  cancel({ target, by, reason }: Action & { readonly do: 'cancel' }): void {
    const actor = this.world.cast.accepted(target)
    if (actor !== undefined) this.cancelOne(actor, by, reason)
  }

  cancelOne(actor: Actor, by: 'task' | 'pool', given: boolean): void {
    const { explainer, model, checks, now } = this.world
    explainer.sync()
    const real = actor.real as Task
    const id = by === 'pool' ? this.world.cast.ticket(actor) : ''
    const hit = by === 'pool' ? this.#holderOfItsId(actor) : actor
    const reason = given ? new Error(`canceled at ${now}`) : undefined
    const settled = hit === undefined || hit.task.settled
    const retained = hit !== undefined && (!settled || model.tickets.includes(hit.task))
    const expected = settled ? { task: false, pool: retained ? 'finished' : 'unknown' } : this.#askToEnd(hit, reason)
    const mayExpire = this.world.plan.setup.retention.ms < NEVER || hit?.task.plan.retainMs !== undefined
    const forgets = mayExpire && hit !== undefined && settled
    const answer = by === 'task' ? real.cancel(reason) : this.world.pool.cancel(id, reason)
    const right = forgets && by === 'pool' ? answer === 'finished' || answer === 'unknown' : answer === expected[by]
    checks.that('I13', right, () => `cancel answered ${String(answer)}, not ${String(expected[by])}`)
    if (hit?.task.called && !hit.task.settled) this.learn(hit)
  }

  /** All that live now and match may be canceled; those that wait must be, unless somebody interferes. */
  cancelAll({ key, state }: Action & { readonly do: 'cancel all' }): void {
    const { explainer, model, checks, cast, now, plan, pool, seen } = this.world
    explainer.sync()
    const reason = new Error(`all were canceled at ${now}`)
    const live = state === 'running' ? model.running : [...model.queue, ...model.delayed, ...model.running]
    const matching = live.filter((task) => key === undefined || task.key === key)
    for (const task of matching) cast.of(task).cancelReasons.push(reason)
    const waiting = matching.filter(({ place }) => place !== 'running')
    pool.cancelAll({ ...given({ key, state }), reason }).then(
      ({ canceled, requested }) =>
        checks.within(() => {
          const right = canceled + requested <= matching.length && canceled + requested >= 0
          checks.that('I13', right, () => `${canceled} canceled and ${requested} requested of ${matching.length}`)
        }),
      (error: unknown) =>
        checks.within(() => {
          throw error
        })
    )
    for (const task of waiting) {
      const left = plan.reactions.length === 0 && cast.of(task).real?.state === 'queued'
      checks.that('I13', !left, () => `${task.name} was left by cancelAll`)
    }
    explainer.sync()
    for (const task of matching) this.learn(cast.of(task))
    if (matching.length > 0) seen.add('a cancel of all')
  }

  /** The task that the pool finds by the id of this one. */
  #holderOfItsId(actor: Actor): Actor | undefined {
    const { model, cast } = this.world
    const { id } = actor.task.plan
    if (id === undefined) return actor
    const found = model.find(id)
    return found && cast.of(found)
  }

  /** Somebody is about to cancel a live task. */
  #askToEnd(actor: Actor, reason: unknown): { readonly task: boolean; readonly pool: string } {
    const { task } = actor
    if (!task.called) {
      actor.cancelReasons.push(reason)
      return { task: true, pool: 'canceled' }
    }
    this.learn(actor)
    this.world.cast.ticket(actor) // without a reason, the error that aborts it names it
    const first = !task.cancelRequested
    if (first) {
      task.cancelRequested = true
      actor.cancelReasons.push(reason)
      if (task.aborted === undefined) this.#watchStuck(task)
    }
    return { task: first, pool: 'requested' }
  }

  #watchStuck(task: ModelTask): void {
    task.stuckAt = this.world.now + this.world.plan.setup.stuckAfterMs
  }

  /** Learns about every running task; about one that is lazy only where it matters. */
  learnAll(matters: (task: ModelTask) => boolean = () => true): void {
    const { model, cast } = this.world
    for (const task of model.running) if (matters(task) || !task.plan.lazy) this.learn(cast.of(task))
  }

  /** Reads from a running task's signal and record whether somebody asked for its end, and why. */
  learn(actor: Actor): void {
    const { task } = actor
    if (!task.called || task.settled) return
    if (task.aborted === undefined) this.#learnFromSignal(actor)
    const possible =
      actor.cancelReasons.length > 0 ||
      actor.signal?.aborted ||
      (this.world.model.state === 'stopping' && this.world.model.grace !== 'open')
    if (possible && (!task.cancelRequested || (task.aborted === undefined && !task.entered))) {
      this.#learnFromRecord(actor)
    }
  }

  #learnFromSignal(actor: Actor): void {
    const { task, ctx } = actor
    const reason = ctx !== undefined && task.entered ? abortOf(ctx) : undefined
    if (reason === undefined) return
    const by = this.#blame(actor, reason)
    this.world.checks.that('I10', by !== undefined, () => `${task.name} was aborted with ${String(reason)}`)
    task.aborted = { by: by as By, reason }
    if (task.stuckAt === NEVER) this.#watchStuck(task)
  }

  #learnFromRecord(actor: Actor): void {
    const { task, cancelReasons, signal } = actor
    if (this.world.cast.record(actor).cancelRequestedAt === undefined) return
    task.cancelRequested = true
    if (task.aborted === undefined && !task.entered) {
      const by = cancelReasons.length > 0 ? 'user' : signal?.aborted ? 'signal' : 'pool_stopped'
      task.aborted = { by, reason: undefined }
    }
    if (task.stuckAt === NEVER) this.#watchStuck(task)
  }

  #blame(actor: Actor, reason: unknown): By | undefined {
    const { now, model } = this.world
    if (reason instanceof TaskTimeoutError) return actor.task.runUntil <= now ? 'timeout' : undefined
    if (actor.signal?.aborted && reason === actor.signal.reason) return 'signal'
    if (reason instanceof PoolStoppedError) return model.grace === 'open' ? undefined : 'pool_stopped'
    if (actor.cancelReasons.includes(reason)) return 'user'
    const byUs =
      reason instanceof TaskCanceledError && reason.reason === 'user' && actor.cancelReasons.includes(undefined)
    return byUs ? 'user' : undefined
  }
}

function abortOf({ signal }: TaskContext): unknown {
  return signal.aborted ? signal.reason : undefined
}
