import { type Task, TaskInterruptedError, type TaskRecord, TaskTimeoutError } from '../../src/index.js'
import type { Actor } from './actor.js'
import type { ModelTask } from './model-task.js'
import { Part } from './part.js'

/** What is to come of an attempt that has ended. */
interface Outcome {
  readonly to: 'succeeded' | 'failed' | 'canceled' | 'retry' | 'snooze'
  readonly value: unknown
  readonly delayMs: number
  readonly by?: string
}

type Settled = 'succeeded' | 'failed' | 'canceled'

/** What comes of tasks: each end must be what its function did, or what somebody asked for. */
export class Outcomes extends Part {
  explainDelay(actor: Actor): void {
    const { checks, model, now, seen } = this.world
    const { task } = actor
    checks.that('I10', task.ended !== undefined, () => `${task.name} is to be called again, but has not ended`)
    const { to, value: error, delayMs } = this.#decide(actor)
    checks.that('I10', to === 'retry' || to === 'snooze', () => `${task.name} is to be called again, but has ${to}`)
    actor.again =
      to === 'retry' ? { event: 'retrying', error, delayMs } : { event: 'snoozed', error: undefined, delayMs }
    actor.abortedBeforeHooks = undefined
    model.delay(task, now + delayMs, actor.again.event)
    seen.add(to === 'retry' ? 'a retry' : 'a snooze')
  }

  explainEnd(actor: Actor, state: Settled): void {
    const { checks, aborts, cast } = this.world
    const { task } = actor
    aborts.learn(actor)
    if (this.#speaksForItself(actor, state)) return this.#explainEndOfFunction(actor, state, undefined)
    const record = cast.record(actor)
    checks.that('I7', record.state === state, () => `the record of ${task.name} says ${record.state}, not ${state}`)
    checks.that('I7', this.#timesAgree(record), () => `the times of ${task.name} differ: ${JSON.stringify(record)}`)
    if (state === 'canceled' && !task.called) this.#explainEndInQueue(actor, record.reason ?? '')
    else if (state === 'canceled' && !task.entered) {
      checks.that('I10', task.aborted?.by === record.reason, () => `${task.name} was canceled: ${record.reason}`)
      this.#settle(actor, state, undefined, record.reason)
    } else if (state === 'failed' && record.error?.code === 'ERR_TASK_INTERRUPTED') this.#explainInterruption(actor)
    else this.#explainEndOfFunction(actor, state, record.reason)
  }

  /** However often the wall clock is set, the times of one task are of one clock. */
  #timesAgree({ queuedAt, startedAt = queuedAt, settledAt = '' }: TaskRecord): boolean {
    const [queued = 0, started = 0, settled = 0] = [queuedAt, startedAt, settledAt].map((time) => Date.parse(time))
    return queued <= started && started <= settled && settled - queued <= this.world.now
  }

  /** Nobody has to read the record to know how it ended. */
  #speaksForItself({ task }: Actor, state: Settled): boolean {
    const { model, now } = this.world
    if (task.plan.reads === undefined || task.ended === undefined || state === 'canceled') return false
    return state === 'succeeded' || model.state !== 'stopping' || model.forceAt > now
  }

  #explainEndInQueue(actor: Actor, by: string): void {
    const { task } = actor
    this.world.checks.that('I10', this.#mayCancel(actor, by), () => `${task.name} was canceled: ${by}`)
    this.#settle(actor, 'canceled', undefined, by)
  }

  #mayCancel(actor: Actor, by: string): boolean {
    const { model, now } = this.world
    const { task } = actor
    if (by === 'user') return actor.cancelReasons.length > 0
    if (by === 'signal') return actor.signal?.aborted === true
    if (by === 'queue_timeout') return task.calls === 0 && task.queueUntil <= now
    return by === 'pool_stopped' && model.state === 'stopping' && (model.grace !== 'open' || model.queueClosed)
  }

  #explainInterruption(actor: Actor): void {
    const { checks, model, now, stops, seen } = this.world
    const { task } = actor
    const due = model.state === 'stopping' && model.forceAt <= now
    checks.that('I10', due && task.called, () => `${task.name} was interrupted`)
    model.readTicket(task) // the report named it before it settled
    stops.tally.interrupted.push((actor.real as Task).id)
    seen.add('interrupted')
    actor.alive = false // given up: not counted against the concurrency of a pool that has stopped
    this.#settle(actor, 'failed', TaskInterruptedError)
  }

  #explainEndOfFunction(actor: Actor, state: Settled, reason: string | undefined): void {
    const { checks, seen } = this.world
    const { name, ended } = actor.task
    checks.that('I10', ended !== undefined, () => `${name} has ${state}, but its function has not ended`)
    const { to, value, by } = this.#decide(actor)
    checks.that('I10', to === state, () => `${name} has ${state}, but its function has ${to}`)
    if (to === 'canceled') checks.that('I10', by === reason, () => `${name} canceled by ${reason}`)
    if (to === 'failed' && value instanceof TaskTimeoutError) seen.add('timed out')
    this.#settle(actor, state, value, by)
  }

  /** What is to come of an attempt whose function has ended. */
  #decide(actor: Actor): Outcome {
    const { task, retry } = actor
    this.world.aborts.learn(actor)
    const ended = task.ended as NonNullable<ModelTask['ended']>
    if (ended.well) return { to: 'succeeded', value: ended.value, delayMs: 0 }
    let error = ended.value
    const { aborted } = actor.abortedBeforeHooks ?? task
    const { snoozeMs } = ended
    if (snoozeMs !== undefined && aborted === undefined) return { to: 'snooze', value: undefined, delayMs: snoozeMs }
    if (aborted !== undefined && (snoozeMs !== undefined || gaveUp(error, aborted.reason))) {
      if (aborted.by !== 'timeout') return { to: 'canceled', value: undefined, delayMs: 0, by: aborted.by }
      error = aborted.reason
    }
    const worth =
      retry !== undefined && task.attempt < retry.attempts && (retry.when === 'absent' || retry.when === 'always')
    if (!worth || retry === undefined || task.cancelRequested) return { to: 'failed', value: error, delayMs: 0 }
    const { backoff, backoffMs } = retry
    const doubled = 0.5 * Math.min(backoffMs * 2 ** (task.attempt - 1), 30_000)
    return { to: 'retry', value: error, delayMs: backoff === 'doubled' ? doubled : backoff === 'wrong' ? 0 : backoffMs }
  }

  #settle(actor: Actor, to: Settled, value: unknown, by?: string): void {
    const { cast, model, now, stops, seen } = this.world
    const { task } = actor
    actor.outcome = by === undefined ? { to, value } : { to, value, by }
    seen.add(to)
    if (by === 'queue_timeout') seen.add('waited too long')
    if (by === 'pool_stopped') {
      const { unstarted, aborted } = stops.tally
      ;(task.calls === 0 ? unstarted : aborted).push(cast.ticket(actor))
    }
    model.settle(task, to, now)
    if (task.plan.reads === 'late') cast.ticket(actor)
  }
}

function gaveUp(error: unknown, reason: unknown): boolean {
  if (error === reason) return true
  if (!(error instanceof Error)) return false
  return error.name === 'AbortError' || (error.cause !== undefined && error.cause === reason)
}
