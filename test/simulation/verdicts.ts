import {
  DuplicateTaskError,
  KeyQueueFullError,
  PoolDeadlockError,
  PoolStoppedError,
  QueueFullError,
  type Task,
  WaitFullError,
  WaitTimeoutError
} from '../../src/index.js'
import type { Actor } from './actor.js'
import type { Verdict } from './model.js'
import type { ModelTask } from './model-task.js'
import { Part } from './part.js'

const REFUSALS: Readonly<Record<string, abstract new (...args: never[]) => Error>> = {
  full: QueueFullError,
  'key full': KeyQueueFullError,
  stopped: PoolStoppedError,
  duplicate: DuplicateTaskError
}

/** Verdicts on tasks that were handed over, as events tell them: each must be that of the model. */
export class Verdicts extends Part {
  /** The event `refused`. */
  hearRefused({ error, name, key }: { readonly error: unknown; readonly name?: string; readonly key?: string }): void {
    const { cast, explainer, checks, model, seen } = this.world
    const actor = cast.named(name)
    const { task } = actor
    explainer.sync()
    checks.that('I6', actor.refusal === undefined, () => `${name} was refused twice`)
    checks.that('I7', key === task.key, () => `refused with the key ${key}`)
    actor.refusal = error
    if (task.place === 'new' && error instanceof PoolDeadlockError) this.world.entrance.joins(actor)
    if (task.place === 'new') this.#lookAtTheDoor(actor, error)
    else {
      checks.that('I4', task.place === 'line', () => `${name} was refused when it was ${task.place}`)
      checks.that('I4', this.#mayLeave(actor, error), () => `${name} left the line with ${String(error)}`)
      explainer.leaves(task)
    }
    this.#lookAtFacts(error)
    if (error instanceof QueueFullError || error instanceof KeyQueueFullError)
      this.#lookAtRetryAfter(task, error.retryAfterMs)
    model.refuse(task)
    seen.add('refused')
    if (error instanceof PoolDeadlockError) seen.add('a wait for itself')
  }

  /** It was refused before it had joined the line, if it wanted to. */
  #lookAtTheDoor({ task }: Actor, error: unknown): void {
    const { checks, model, now } = this.world
    const verdict = model.judge(task, now)
    const expected = REFUSALS[verdict]
    const waits =
      task.waitUntil < Number.POSITIVE_INFINITY || error instanceof WaitFullError || error instanceof WaitTimeoutError
    let right = expected !== undefined && error instanceof expected
    if (verdict === 'full' && waits) {
      right =
        task.waitUntil <= now ? error instanceof WaitTimeoutError : error instanceof WaitFullError && model.lineFull
    }
    checks.that('I4', right, () => `${task.name} was refused with ${String(error)}, the verdict is ${verdict}`)
  }

  #mayLeave({ task, signal, waitSignal }: Actor, error: unknown): boolean {
    const { model, now } = this.world
    if (error instanceof PoolStoppedError) return model.state === 'stopping'
    if (error instanceof WaitTimeoutError) return task.waitUntil <= now
    if (error instanceof PoolDeadlockError) return model.deadlocked(now) === task
    if (signal?.aborted && error === signal.reason) return true
    if (waitSignal?.aborted && error === waitSignal.reason) return true
    const verdict = model.line[0] === task ? model.judgeAlone(task, now) : undefined
    return verdict !== undefined && verdict !== 'full' && error instanceof (REFUSALS[verdict] ?? WaitFullError)
  }

  #lookAtFacts(error: unknown): void {
    if (!(error instanceof QueueFullError)) return
    const { checks, model } = this.world
    const { concurrency, queueCapacity, running, queue, delayed } = model
    const right =
      error.concurrency === concurrency &&
      error.queueCapacity === queueCapacity &&
      error.running === running.length &&
      error.queued === queue.length + delayed.length
    checks.that('I4', right, () => `wrong facts: ${error.message}`)
  }

  /** No earlier than there can be a place, as far as that is known. */
  #lookAtRetryAfter({ key }: ModelTask, retryAfterMs: number): void {
    const { checks, model, now } = this.world
    const inRange = Number.isInteger(retryAfterMs) && retryAfterMs >= 1_000 && retryAfterMs <= 60_000
    checks.that('I4', inRange, () => `retryAfterMs ${retryAfterMs}`)
    const heldBackMs = Math.min(Math.max(model.heldBackMs(now), model.keyHeldBackMs(key, now)), 60_000)
    checks.that('I4', retryAfterMs >= heldBackMs, () => `retryAfterMs ${retryAfterMs}, no place before ${heldBackMs}`)
  }

  /** The event `queued`. */
  hearQueued(real: Task): void {
    const { cast, explainer, checks, model, now, seen } = this.world
    const actor = cast.named(real.name)
    const { task } = actor
    explainer.sync()
    actor.events.push('queued')
    checks.that('I6', actor.real === undefined, () => `${task.name} was queued twice`)
    actor.real = real
    if (task.place === 'line') {
      checks.that('I11', model.line[0] === task, () => `${task.name} got in before ${model.line[0]?.name}`)
      const verdict = model.judgeAlone(task, now)
      model.line.shift()
      this.#accept(actor, verdict)
      seen.add('a place for a waiter')
    } else {
      checks.that('I4', task.place === 'new', () => `${task.name} was queued when it was ${task.place}`)
      this.#accept(actor, model.judge(task, now))
    }
  }

  #accept(actor: Actor, verdict: Verdict): void {
    const { cast, checks, model, now } = this.world
    const { task, real } = actor
    const right = verdict === 'worker' || verdict === 'queue'
    checks.that('I4', right, () => `${task.name} was accepted, the verdict is ${verdict}`)
    const state = verdict === 'worker' ? 'running' : 'queued'
    checks.that('I5', real?.state === state, () => `${task.name} is ${real?.state}, not ${state}`)
    if (verdict !== 'worker' && verdict !== 'queue') return
    model.accept(task, verdict, now)
    if (task.plan.reads === undefined) cast.ticket(actor)
  }
}
