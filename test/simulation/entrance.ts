import type { Task, TaskOptions } from '../../src/index.js'
import { type Actor, Watched } from './actor.js'
import { given } from './given.js'
import type { ModelTask } from './model-task.js'
import { Part } from './part.js'
import type { Action, KeyPlan, TaskPlan } from './plan.js'

const NEVER = Number.POSITIVE_INFINITY

/** Hands tasks over: each call must end as the rules say. */
export class Entrance extends Part {
  /** Whose call of `queueTaskWhenFree` has not returned yet. */
  #joining: Actor | undefined
  /** How often bounds were asked for. */
  #asked = 0

  queue(plan: TaskPlan, asks: boolean): void {
    const { cast, explainer, checks, attempts, pool, answers } = this.world
    const actor = cast.make(plan)
    const { task } = actor
    explainer.sync()
    let joined = this.#joined(actor)
    const left = task.hasLeft()
    let real: Task | undefined
    let thrown: unknown
    try {
      real = this.#handOver(task, () => pool.queueTask((ctx) => attempts.call(actor, ctx), this.#options(actor)))
    } catch (error) {
      thrown = error
    }
    checks.rethrow()
    if (left) return checks.that('I4', thrown === actor.signal?.reason, () => 'an aborted signal was not thrown')
    // a start that was late may just have let one in that has the same id
    if (task.place === 'new') joined ??= this.#joined(actor)
    if (joined !== undefined) return checks.that('I4', real === joined.real, () => 'a duplicate was not joined')
    if (real === undefined) {
      const right = task.place === 'refused' && actor.refusal === thrown
      return checks.that('I4', right, () => `threw ${String(thrown)}`)
    }
    checks.that('I7', actor.real === real, () => `${task.name} was accepted without a word`)
    if (asks) answers.ask(actor)
  }

  wait({ task: plan, asks, waitMs, waitSignal }: Action & { readonly do: 'wait' }): void {
    const { cast, explainer, checks, attempts, pool, answers, selfWaits, now } = this.world
    const actor = cast.make(plan, waitSignal)
    const { task } = actor
    explainer.sync()
    let joined = this.#joined(actor)
    const left = task.hasLeft()
    const options = { ...this.#options(actor), ...given({ waitMs, waitSignal: actor.waitSignal?.signal }) }
    task.waitUntil = now + (waitMs ?? NEVER)
    const unlimited = waitMs === undefined && actor.waitSignal === undefined && actor.signal === undefined
    task.inside = unlimited ? selfWaits.current : undefined
    const outer = this.#joining
    this.#joining = actor
    actor.waiting = new Watched(
      this.#handOver(task, () => pool.queueTaskWhenFree((ctx) => attempts.call(actor, ctx), options))
    )
    this.#joining = outer
    if (actor.waitSignal === undefined && actor.signal === undefined) selfWaits.began(actor.waiting)
    checks.rethrow()
    if (task.place === 'new') {
      explainer.sync()
      joined ??= this.#joined(actor)
    }
    if (left) return
    if (joined !== undefined) {
      actor.joined = joined
      return
    }
    if (task.place === 'new') {
      const verdict = this.world.model.judge(task, now)
      checks.that('I4', verdict === 'full' && waitMs !== 0, () => `${task.name} waits: ${verdict}`)
      this.joins(actor)
    } else if (task.place !== 'refused' && asks && actor.real !== undefined) answers.ask(actor)
  }

  /** A key that is idle gets its bounds; it keeps them until it is idle again. */
  #handOver<T>({ key }: ModelTask, call: () => T): T {
    const { model, plan, checks } = this.world
    if (key === undefined || plan.setup.ownBounds === undefined) return call()
    const wasIdle = model.isIdle(key)
    const asked = this.#asked
    model.opened.push(key)
    try {
      return call()
    } finally {
      model.opened.splice(model.opened.indexOf(key), 1)
      checks.within(() =>
        checks.that('I4', !wasIdle || this.#asked > asked, () => `nobody asked for the bounds of ${key}`)
      )
    }
  }

  /** The pool asks for the bounds of a key. */
  boundsOf(key: string, all: readonly KeyPlan[]): KeyPlan {
    const { checks, explainer, model, seen } = this.world
    const bounds = all[this.#asked++ % all.length] as KeyPlan
    checks.within(() => {
      explainer.sync()
      model.opened.splice(model.opened.lastIndexOf(key), 1)
      checks.that('I4', model.isIdle(key), () => `the bounds of ${key} were asked for, though it has tasks`)
      model.opened.push(key)
      model.bind(key, bounds)
      seen.add('bounds of a key')
    })
    return bounds
  }

  #options(actor: Actor): TaskOptions {
    const { id, join, joinLive, key, priority, timeoutMs, queueTimeoutMs, retry, delayMs, weight, retainMs } =
      actor.task.plan
    return given({
      name: actor.task.name,
      id,
      onDuplicate:
        id === undefined
          ? undefined
          : joinLive
            ? ('join-live' as const)
            : join
              ? ('join' as const)
              : ('refuse' as const),
      delayMs,
      weight,
      retainMs,
      key,
      priority,
      timeoutMs,
      queueTimeoutMs,
      retry: retry && this.world.attempts.retryOptions(retry),
      signal: actor.signal?.signal
    })
  }

  /** The task that has its id already, if it wants to be given that instead. */
  #joined(actor: Actor): Actor | undefined {
    const { id, join } = actor.task.plan
    const existing = id !== undefined && join ? this.world.model.holder(actor.task.plan) : undefined
    return existing && this.world.cast.of(existing)
  }

  joins({ task }: Actor): void {
    const { checks, model, seen } = this.world
    checks.that('I4', !model.lineFull, () => `${task.name} waits, but the line is full`)
    task.place = 'line'
    model.line.push(task)
    seen.add('a wait for room')
  }

  /** Who joins the line may see others be let in before the call returns. */
  noticeJoin(): void {
    const actor = this.#joining
    if (actor?.task.place !== 'new') return
    if (this.world.pool.stats().waiting === this.world.model.line.length + 1) this.joins(actor)
  }

  /** A caller that has left before it came is not even counted. */
  queueAborted(waits: boolean): void {
    const { checks, pool } = this.world
    const reason = new Error('left before it came')
    const signal = AbortSignal.abort(reason)
    const never = (): void => {
      checks.within(() => checks.that('I9', false, () => 'a task with an aborted signal was called'))
    }
    const told = (error: unknown): void => {
      checks.within(() => checks.that('I4', error === reason, () => `an aborted signal was answered with ${error}`))
    }
    if (waits) {
      pool.queueTaskWhenFree(never, { signal }).then(told, told)
      return
    }
    try {
      told(pool.queueTask(never, { signal }))
    } catch (error) {
      told(error)
    }
  }
}
