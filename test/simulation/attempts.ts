import { type TaskContext, type TaskOptions, TaskTimeoutError } from '../../src/index.js'
import type { Actor } from './actor.js'
import { behave } from './behave.js'
import { Part } from './part.js'
import type { Behaviour, RatePlan, Retry } from './plan.js'

/** Calls of the functions of tasks, and of the hooks that are asked whether to try again. */
export class Attempts extends Part {
  readonly #actorOfError = new WeakMap<object, Actor>()

  /** The function of a task. */
  call(actor: Actor, ctx: TaskContext): unknown {
    const { task } = actor
    const { checks, selfWaits } = this.world
    const { attempts, later, snoozes } = task.plan
    const sound = checks.within(() => {
      this.#enter(actor, ctx)
      if (!later) selfWaits.act(actor)
      return true
    })
    if (sound === undefined) return undefined
    const begun = later ? Promise.resolve().then(() => checks.within(() => selfWaits.act(actor))) : undefined
    const usual = attempts[Math.min(task.attempt, attempts.length) - 1] as Behaviour
    const behaviour = snoozes?.calls[task.calls - 1] ?? usual
    return behave(actor, ctx, behaviour, begun, (error) => void this.#actorOfError.set(error, actor))
  }

  #enter(actor: Actor, ctx: TaskContext): void {
    const { explainer, checks, model } = this.world
    const { task } = actor
    explainer.sync()
    const right = task.called && !task.entered && !task.settled
    checks.that('I9', right, () => `${task.name} was called: ${task.place}`)
    task.entered = true
    actor.ctx = ctx
    actor.alive = true
    actor.began = []
    checks.that('I8', ctx.attempt === task.attempt, () => `attempt ${ctx.attempt} of ${task.name}`)
    if (!task.plan.lazy) {
      checks.that('I9', !ctx.signal.aborted, () => `${task.name} was called with an aborted signal`)
      const stopping = model.state === 'stopping'
      checks.that('I12', ctx.stopping.aborted === stopping, () => 'ctx.stopping does not tell the state')
    }
    this.#countAlive()
    if (task.plan.progress) ctx.progress(0.5, 'half')
  }

  #countAlive(): void {
    const { cast, checks } = this.world
    for (const { alive, task } of cast.actors) {
      if (alive) checks.that('I2', task.place === 'running', () => `${task.name} is alive without a worker`)
    }
  }

  /** The event `started`. */
  hearStarted(actor: Actor): void {
    const { checks, ledger, model, now } = this.world
    const { task } = actor
    const { uncalled } = model
    checks.that('I9', task.place === 'running' && !task.called, () => `${task.name} started: it is ${task.place}`)
    const exact = !model.keysMissTurns
    const first = exact
      ? uncalled[0]
      : uncalled.find(({ key, priority }) => key === task.key && priority === task.priority)
    checks.that('I11', first === task, () => `${task.name} was called before ${first?.name}`)
    model.call(task, now)
    this.#lookAtRate(model.rateLimit, model.calls)
    this.#lookAtRate(model.boundsOf(task.key)?.rateLimit, model.callsOf.get(task.key as string))
    if (ledger.isDue && task.hasTicket) checks.same('I8', 'the attempt', actor.real?.record().attempt, task.attempt)
  }

  #lookAtRate(rate: RatePlan | undefined, calls: readonly number[] = []): void {
    const { checks, now, plan } = this.world
    if (
      rate === undefined ||
      plan.operations.some((action) => action.do === 'resize' && action.rateLimit !== undefined)
    )
      return
    const before = calls.at(-1 - rate.starts)
    const right = before === undefined || before <= now - rate.intervalMs
    checks.that('I11', right, () => `too many starts in a window, the last at ${now}`)
  }

  retryOptions({ attempts, backoff, backoffMs, when }: Retry): NonNullable<TaskOptions['retry']> {
    const decideDelay = (error: unknown, attempt: number): number => {
      this.#ask(error, attempt, (actor) => {
        if (backoff === 'wrong') actor.hookErrors++
      })
      return backoff === 'wrong' ? Number.NaN : backoffMs
    }
    const decide = (error: unknown, attempt: number): boolean => {
      this.#ask(error, attempt, (actor) => {
        if (when === 'throws') actor.hookErrors++
        if (when === 'cancels') this.world.aborts.cancelOne(actor, 'task', true)
      })
      if (when === 'throws') throw new Error('a hook that throws')
      return when !== 'never'
    }
    return {
      attempts,
      backoffMs: backoff === 'doubled' ? backoffMs : decideDelay,
      ...(when === 'absent' ? undefined : { when: decide })
    }
  }

  /** A hook is asked about an attempt that has just failed. */
  #ask(error: unknown, attempt: number, answer: (actor: Actor) => void): void {
    const { checks, explainer, aborts } = this.world
    checks.within(() => {
      explainer.sync()
      const actor = this.#whoFailed(error)
      checks.that('I8', actor !== undefined && actor.task.attempt === attempt, () => `a hook for attempt ${attempt}`)
      if (actor === undefined) return
      aborts.learn(actor)
      actor.abortedBeforeHooks ??= { aborted: actor.task.aborted }
      answer(actor)
    })
  }

  #whoFailed(error: unknown): Actor | undefined {
    if (!(error instanceof TaskTimeoutError)) return this.#actorOfError.get(error as object)
    return this.world.cast.actors.find(({ real, task }) => task.place === 'running' && real?.id === error.id)
  }
}
