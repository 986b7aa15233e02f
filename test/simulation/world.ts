import {
  DrainTimeoutError,
  DuplicateTaskError,
  KeyQueueFullError,
  type PoolEventName,
  PoolStoppedError,
  QueueFullError,
  type StopReport,
  type Task,
  TaskCanceledError,
  type TaskContext,
  TaskInterruptedError,
  type TaskOptions,
  TaskTimeoutError,
  type UnobservedSource,
  WaitFullError,
  type WaitOptions,
  WaitTimeoutError,
  WorkerPool
} from '../../src/index.js'
import { Actor, Watched } from './actor.js'
import { behave } from './behave.js'
import { Checks, type PromiseId } from './checks.js'
import { Model, ModelTask, type Verdict } from './model.js'
import { type Action, type Behaviour, type Plan, type Retry, SIGNALS, type Target, type TaskPlan } from './plan.js'
import { UserSignal } from './user-signal.js'
import { VirtualClock } from './virtual-clock.js'

const NEVER = Number.POSITIVE_INFINITY

interface Drain {
  readonly watched: Watched
  readonly crossings: number
  readonly until: number
  readonly signal: UserSignal | undefined
}

const EVENTS: readonly PoolEventName[] = [
  'queued',
  'started',
  'retrying',
  'progress',
  'succeeded',
  'failed',
  'canceled',
  'settled',
  'stuck',
  'refused',
  'idle',
  'stopping',
  'stopped'
]

const QUIET = new Set<PoolEventName>(['succeeded', 'failed', 'canceled', 'settled'])

const REFUSALS: Readonly<Record<string, abstract new (...args: never[]) => Error>> = {
  full: QueueFullError,
  'key full': KeyQueueFullError,
  stopped: PoolStoppedError,
  duplicate: DuplicateTaskError
}

/**
 * A pool, a model of it, and everything around that may go wrong. Whenever code of ours runs, in a listener, a task or a
 * hook, what the pool shows is explained to the model; what cannot be explained, and what the model expects and is not
 * there, is a broken promise.
 */
export class World {
  readonly checks = new Checks()
  readonly clock = new VirtualClock()
  readonly model: Model
  readonly pool: WorkerPool
  readonly plan: Plan
  readonly actors: Actor[] = []
  readonly drains: Drain[] = []
  readonly signals: UserSignal[]
  readonly oldSignals: UserSignal[] = []
  /** Which ends came up, for the statistics. */
  readonly seen = new Set<string>()
  /** Timers may be due that nobody has fired. */
  late = false
  /** The loop was blocked in this turn, so that what is left of it may be nothing. */
  blocked = false
  report: StopReport | undefined
  readonly hookThrows: boolean
  /** The faults have ended. */
  healing = false
  readonly #actorOf = new Map<ModelTask, Actor>()
  readonly #byName = new Map<string, Actor>()
  readonly #actorOfError = new WeakMap<object, Actor>()
  readonly #emitted = new Map<PoolEventName, number>()
  readonly #toldOf = new Map<PoolEventName, number>()
  readonly #before = { succeeded: 0, failed: 0, canceled: 0, at: 0 }
  readonly #stopTally = { unstarted: [] as string[], aborted: [] as string[], interrupted: [] as string[] }
  /** Whose call of `queueTaskWhenFree` has not returned yet. */
  #joining: Actor | undefined
  #firingLate = false
  #names = 0
  #syncs = 0
  #requeuedIn = 0
  #looks = 0
  #lastTotals: readonly number[] = []

  constructor(plan: Plan) {
    this.plan = plan
    this.hookThrows = plan.seed % 7 === 0
    const { setup } = plan
    this.model = new Model(setup)
    this.signals = Array.from({ length: SIGNALS }, (_, i) => new UserSignal(`signal ${i}`))
    const { retry, started: _started, quiet, throwing, rejecting, ...bounds } = setup
    this.pool = new WorkerPool({
      ...bounds,
      ...(retry === undefined ? undefined : { retry: this.#retryOptions(retry) }),
      clock: this.clock,
      captureContext: plan.seed % 2 === 0,
      onUnobservedError: (error, source) => {
        this.checks.within(() => this.#told(error, source))
        if (this.hookThrows) throw new Error('a hook that throws')
      }
    })
    for (const event of EVENTS) {
      if (throwing.includes(event)) {
        this.pool.on(event, () => {
          throw new Error(`a listener of ${event} that throws`)
        })
      }
      if (rejecting.includes(event)) {
        this.pool.on(event, async () => {
          throw new Error(`a listener of ${event} that rejects`)
        })
      }
      if (quiet && QUIET.has(event)) continue
      this.pool.on(event, (...args: unknown[]) => {
        this.checks.within(() => this.#hear(event, args))
      })
    }
  }

  get now(): number {
    return this.clock.time
  }

  #that(id: PromiseId, holds: boolean, message: () => string): void {
    this.checks.that(id, holds, message)
  }

  // ── doing ────────────────────────────────────────────────────────────────────────────────────────────────────────

  perform(action: Action): void {
    this.sync()
    this.#perform(action)
    this.sync()
  }

  #perform(action: Action): void {
    switch (action.do) {
      case 'queue':
        return this.#queue(action.task, action.asks)
      case 'wait':
        return this.#wait(action)
      case 'queue aborted':
        return this.#queueAborted(action.waits)
      case 'cancel':
        return this.#cancel(action)
      case 'end':
        return this.#end(action.target, action.well)
      case 'ask':
        return this.#askOne(action.target)
      case 'abort':
        return this.#abort(action.signal)
      case 'start':
        return this.start()
      case 'pause':
        if (this.model.state === 'created' || this.model.state === 'running') this.model.paused = true
        return this.pool.pause()
      case 'resume':
        return this.resume()
      case 'resize':
        this.model.concurrency = action.concurrency ?? this.model.concurrency
        this.model.queueCapacity = action.queueCapacity ?? this.model.queueCapacity
        return this.pool.resize({
          ...(action.concurrency === undefined ? undefined : { concurrency: action.concurrency }),
          ...(action.queueCapacity === undefined ? undefined : { queueCapacity: action.queueCapacity })
        })
      case 'drain':
        return this.#drain(action)
      case 'stop':
        return this.stop(action.graceMs, action.forceMs)
      default:
        return action satisfies never
    }
  }

  start(): void {
    const { model } = this
    if (model.state === 'stopping' || model.state === 'stopped') {
      let thrown: unknown
      try {
        this.pool.start()
      } catch (error) {
        thrown = error
      }
      this.#that('I12', thrown instanceof PoolStoppedError, () => 'a stopped pool was started')
      return
    }
    model.state = 'running'
    this.pool.start()
  }

  resume(): void {
    if (this.model.state === 'created' || this.model.state === 'running') this.model.paused = false
    this.pool.resume()
  }

  stop(graceMs: number, forceMs: number): void {
    const { model } = this
    this.sync()
    if (model.state === 'created' || model.state === 'running') {
      Object.assign(this.#before, { succeeded: model.succeeded, failed: model.failed, canceled: model.canceled })
      this.#before.at = this.now
      this.seen.add(this.healing ? 'no stop' : 'a stop')
    }
    for (const task of model.running) this.#learn(this.actor(task), true)
    model.stop(graceMs, forceMs, this.now)
    const report = this.pool.stop({ graceMs, forceMs, reason: 'enough' })
    this.#that('I12', this.pool.state !== 'running', () => 'a pool runs after stop()')
    report.then(
      (value) => {
        this.report = value
      },
      (error: unknown) => this.checks.within(() => Promise.reject(error))
    )
  }

  #make(plan: TaskPlan, waitSignal?: number): Actor {
    const signal = plan.signal === undefined ? undefined : this.signals[plan.signal]
    const patience = waitSignal === undefined ? undefined : this.signals[waitSignal]
    const hasLeft = () => signal?.aborted === true || patience?.aborted === true
    const model = new ModelTask(`t${++this.#names}`, plan, hasLeft)
    const actor = new Actor(model, plan.retry ?? this.plan.setup.retry, signal, patience)
    this.actors.push(actor)
    this.#actorOf.set(model, actor)
    this.#byName.set(model.name, actor)
    return actor
  }

  actor(model: ModelTask): Actor {
    return this.#actorOf.get(model) as Actor
  }

  #options(actor: Actor): TaskOptions {
    const { id, join, key, priority, timeoutMs, queueTimeoutMs, retry } = actor.model.plan
    return {
      name: actor.model.name,
      ...(id === undefined ? undefined : { id, onDuplicate: join ? 'join' : 'refuse' }),
      ...(key === undefined ? undefined : { key }),
      ...(priority === undefined ? undefined : { priority }),
      ...(timeoutMs === undefined ? undefined : { timeoutMs }),
      ...(queueTimeoutMs === undefined ? undefined : { queueTimeoutMs }),
      ...(retry === undefined ? undefined : { retry: this.#retryOptions(retry) }),
      ...(actor.signal === undefined ? undefined : { signal: actor.signal.signal })
    }
  }

  #joined(actor: Actor): Actor | undefined {
    const { id, join } = actor.model.plan
    const existing = id !== undefined && join ? this.model.find(id) : undefined
    return existing && this.actor(existing)
  }

  #queue(plan: TaskPlan, asks: boolean): void {
    const actor = this.#make(plan)
    this.sync()
    let joined = this.#joined(actor)
    const left = actor.model.hasLeft()
    let real: Task | undefined
    let thrown: unknown
    try {
      real = this.pool.queueTask((ctx) => this.#call(actor, ctx), this.#options(actor))
    } catch (error) {
      thrown = error
    }
    this.checks.rethrow()
    if (left) return this.#that('I4', thrown === actor.signal?.reason, () => 'an aborted signal was not thrown')
    // a start that was late may just have let one in that has the same id
    if (actor.model.place === 'new') joined ??= this.#joined(actor)
    if (joined !== undefined) return this.#that('I4', real === joined.real, () => 'a duplicate was not joined')
    if (real === undefined) {
      this.#that('I4', actor.model.place === 'refused' && actor.refusal === thrown, () => `threw ${String(thrown)}`)
      return
    }
    this.#that('I7', actor.real === real, () => `${actor.model.name} was accepted without a word`)
    if (asks) this.#ask(actor)
  }

  #wait(action: Action & { readonly do: 'wait' }): void {
    const actor = this.#make(action.task, action.waitSignal)
    const { model } = actor
    this.sync()
    let joined = this.#joined(actor)
    const left = actor.model.hasLeft()
    const lineFull = () => this.model.line.length >= this.model.waiterCapacity
    const options: WaitOptions = {
      ...this.#options(actor),
      ...(action.waitMs === undefined ? undefined : { waitMs: action.waitMs }),
      ...(actor.waitSignal === undefined ? undefined : { waitSignal: actor.waitSignal.signal })
    }
    model.waitUntil = this.now + (action.waitMs ?? NEVER)
    const outer = this.#joining
    this.#joining = actor
    actor.waiting = new Watched(this.pool.queueTaskWhenFree((ctx) => this.#call(actor, ctx), options))
    this.#joining = outer
    this.checks.rethrow()
    if (model.place === 'new') {
      this.sync()
      joined ??= this.#joined(actor)
    }
    if (left) return
    if (joined !== undefined) {
      actor.joined = joined
      return
    }
    if (model.place === 'new') {
      const verdict = this.model.judge(model, this.now)
      this.#that(
        'I4',
        verdict === 'full' && action.waitMs !== 0 && !lineFull(),
        () => `${model.name} waits: ${verdict}`
      )
      this.#joins(actor)
    } else if (model.place !== 'refused' && action.asks && actor.real !== undefined) this.#ask(actor)
  }

  #joins({ model }: Actor): void {
    model.place = 'line'
    this.model.line.push(model)
    this.seen.add('a wait for room')
  }

  /** Who joins the line may see others be let in before the call returns. */
  #noticeJoin(): void {
    const actor = this.#joining
    if (actor?.model.place !== 'new' || this.pool.stats().waiting !== this.model.line.length + 1) return
    this.#joins(actor)
  }

  #queueAborted(waits: boolean): void {
    const reason = new Error('left before it came')
    const signal = AbortSignal.abort(reason)
    if (waits) {
      new Watched(this.pool.queueTaskWhenFree(() => this.#never(), { signal }))
      return
    }
    let thrown: unknown
    try {
      this.pool.queueTask(() => this.#never(), { signal })
    } catch (error) {
      thrown = error
    }
    this.#that('I4', thrown === reason, () => 'an aborted signal was not thrown')
  }

  #never(): void {
    this.checks.within(() => this.#that('I9', false, () => 'a task with an aborted signal was called'))
  }

  #accepted(target: Target): Actor | undefined {
    if (typeof target === 'string') {
      const actor = this.#byName.get(target)
      return actor?.real === undefined ? undefined : actor
    }
    const accepted = this.actors.filter(({ real }) => real !== undefined)
    // mostly those that live: what has settled long ago is boring
    const lively = accepted.filter(({ model }) => !model.settled)
    const choice = lively.length > 0 && target % 4 > 0 ? lively : accepted
    return choice[target % Math.max(choice.length, 1)]
  }

  #cancel({ target, by, reason: given }: Action & { readonly do: 'cancel' }): void {
    const actor = this.#accepted(target)
    if (actor !== undefined) this.#cancelOne(actor, by, given)
  }

  #cancelOne(actor: Actor, by: 'task' | 'pool', given: boolean): void {
    this.sync()
    const real = actor.real as Task
    let hit: Actor | undefined = actor
    if (by === 'pool') {
      const { id } = actor.model.plan
      const found = id === undefined ? undefined : this.model.find(id)
      if (id !== undefined) hit = found && this.actor(found)
    }
    const reason = given ? new Error(`canceled at ${this.now}`) : undefined
    const retained = hit !== undefined && (!hit.model.settled || this.model.retained.includes(hit.model))
    let expected: unknown
    if (hit === undefined || hit.model.settled) {
      expected = by === 'task' ? false : retained ? 'finished' : 'unknown'
    } else {
      const { model } = hit
      if (model.called) {
        this.#learn(hit, true)
        expected = by === 'task' ? !model.cancelRequested : 'requested'
        if (!model.cancelRequested) {
          model.cancelRequested = true
          hit.cancelReasons.push(reason)
          if (model.aborted === undefined) model.stuckAt = this.now + this.plan.setup.stuckAfterMs
        }
      } else {
        expected = by === 'task' ? true : 'canceled'
        hit.cancelReasons.push(reason)
      }
    }
    const fuzzy = this.plan.setup.retention.ms < NEVER && hit?.model.settled === true && by === 'pool'
    const answer = by === 'task' ? real.cancel(reason) : this.pool.cancel(real.id, reason)
    if (fuzzy) this.#that('I13', answer === 'finished' || answer === 'unknown', () => `answered ${answer}`)
    else this.#that('I13', answer === expected, () => `cancel answered ${String(answer)}, not ${String(expected)}`)
    if (hit?.model.called && !hit.model.settled) this.#learn(hit, true)
  }

  #end(target: Target, well: boolean): void {
    if (typeof target === 'string') return this.#byName.get(target)?.finish?.(well)
    const waiting = this.actors.filter(({ finish }) => finish !== undefined)
    waiting[target % Math.max(waiting.length, 1)]?.finish?.(well)
  }

  #askOne(target: number): void {
    const actor = this.#accepted(target)
    if (actor !== undefined) this.#ask(actor)
  }

  #ask(actor: Actor): void {
    const real = actor.real as Task
    this.sync()
    if (actor.model.settled) actor.askedLate = true
    else actor.askedInTime = true
    actor.results.push(new Watched(real.result()))
    actor.settlements.push(new Watched(real.settled()))
  }

  #abort(index: number): void {
    const signal = this.signals[index] as UserSignal
    this.sync()
    for (const task of this.model.running) this.#learn(this.actor(task), true)
    this.signals[index] = new UserSignal(`signal ${index} again`)
    this.oldSignals.push(signal)
    signal.abort()
    this.sync()
    for (const actor of this.actors) if (actor.signal === signal && actor.model.called) this.#learn(actor, true)
    this.#that('I14', signal.listeners === 0, () => `${signal.listeners} listeners on a signal that has aborted`)
  }

  #drain({ timeoutMs, signal: index }: Action & { readonly do: 'drain' }): void {
    const signal = index === undefined ? undefined : this.signals[index]
    this.sync()
    // nothing is left at the call: that is a crossing of its own
    const crossings = this.model.live === 0 ? -1 : this.model.crossings
    const promise = this.pool.drain({
      ...(timeoutMs === undefined ? undefined : { timeoutMs }),
      ...(signal === undefined ? undefined : { signal: signal.signal })
    })
    this.drains.push({ watched: new Watched(promise), crossings, until: this.now + (timeoutMs ?? NEVER), signal })
  }

  #retryOptions(retry: Retry): NonNullable<TaskOptions['retry']> {
    const { attempts, backoff, backoffMs, when } = retry
    return {
      attempts,
      backoffMs:
        backoff === 'doubled'
          ? backoffMs
          : (error, attempt) => {
              this.checks.within(() => {
                const actor = this.#hook(error, attempt)
                if (backoff === 'wrong') actor.hookErrors++
              })
              return backoff === 'wrong' ? Number.NaN : backoffMs
            },
      ...(when === 'absent'
        ? undefined
        : {
            when: (error, attempt) => {
              this.checks.within(() => {
                const actor = this.#hook(error, attempt)
                if (when === 'throws') actor.hookErrors++
                if (when === 'cancels') this.#cancelOne(actor, 'task', true)
              })
              if (when === 'throws') throw new Error('a hook that throws')
              return when !== 'never'
            }
          })
    }
  }

  /** A hook of a retry is asked about an attempt that has just failed. */
  #hook(error: unknown, attempt: number): Actor {
    this.sync()
    const actor =
      error instanceof TaskTimeoutError
        ? this.actors.find(({ real, model }) => model.place === 'running' && real?.id === error.id)
        : this.#actorOfError.get(error as object)
    this.#that('I8', actor !== undefined && actor.model.attempt === attempt, () => `a hook for attempt ${attempt}`)
    if (actor !== undefined) {
      this.#learn(actor, true)
      actor.abortedBeforeHooks ??= { aborted: actor.model.aborted }
    }
    return actor as Actor
  }

  // ── being called ─────────────────────────────────────────────────────────────────────────────────────────────────

  #call(actor: Actor, ctx: TaskContext): unknown {
    const { model } = actor
    const go = this.checks.within(() => {
      this.sync()
      this.#that(
        'I9',
        model.called && !model.entered && !model.settled,
        () => `${model.name} was called: ${model.place}`
      )
      model.entered = true
      actor.ctx = ctx
      actor.alive = true
      this.#that('I8', ctx.attempt === model.attempt, () => `attempt ${ctx.attempt} of ${model.name}`)
      if (!model.plan.lazy) {
        this.#that('I9', !ctx.signal.aborted, () => `${model.name} was called with an aborted signal`)
        const stopping = this.model.state === 'stopping'
        this.#that('I12', ctx.stopping.aborted === stopping, () => 'ctx.stopping does not tell the state')
      }
      this.#countAlive()
      if (model.plan.progress) ctx.progress(0.5, 'half')
      for (const action of model.plan.inside) this.perform(action)
      return true
    })
    if (go === undefined) return undefined
    const { attempts } = model.plan
    const behaviour = attempts[Math.min(model.attempt, attempts.length) - 1] as Behaviour
    return behave(actor, ctx, behaviour, (error) => void this.#actorOfError.set(error, actor))
  }

  #countAlive(): void {
    for (const { alive, model } of this.actors) {
      if (alive) this.#that('I2', model.place === 'running', () => `${model.name} is alive without a worker`)
    }
  }

  // ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #hear(event: PoolEventName, args: unknown[]): void {
    const nth = (this.#emitted.get(event) ?? 0) + 1
    this.#emitted.set(event, nth)
    const [first, second] = args
    if (event === 'refused') this.#hearRefused(first as { error: unknown; name?: string; key?: string })
    else if (event === 'queued') this.#hearQueued(first as Task)
    else {
      this.sync()
      if (event === 'idle') this.#hearIdle()
      else if (event === 'stopping') {
        this.#that('I12', this.pool.state === 'stopping', () => 'stopping was told at another time')
      } else if (event === 'stopped') this.#hearStopped(first as StopReport)
      else this.#hearTask(event, first as Task, second as { error: unknown; delayMs: number } | undefined)
    }
    if (this.#joining !== undefined) this.#noticeJoin()
    if (++this.#looks % 4 === 0) this.compare()
    for (const reaction of this.plan.reactions) {
      if (reaction.event === event && reaction.nth === nth) for (const action of reaction.actions) this.perform(action)
    }
  }

  #named(name: string | undefined): Actor {
    const actor = this.#byName.get(name ?? '')
    this.#that('I7', actor !== undefined, () => `an event names ${name}`)
    return actor as Actor
  }

  #hearRefused({ error, name, key }: { error: unknown; name?: string; key?: string }): void {
    const actor = this.#named(name)
    const { model } = actor
    this.sync()
    this.#that('I6', actor.refusal === undefined, () => `${name} was refused twice`)
    this.#that('I7', key === model.key, () => `refused with the key ${key}`)
    actor.refusal = error
    const verdict = this.model.judge(model, this.now)
    const { line } = this.model
    if (model.place === 'new') {
      const waits = actor.model.waitUntil < NEVER || error instanceof WaitFullError || error instanceof WaitTimeoutError
      const expected = REFUSALS[verdict]
      let right = expected !== undefined && error instanceof expected
      if (verdict === 'full' && waits) {
        right =
          model.waitUntil <= this.now
            ? error instanceof WaitTimeoutError
            : error instanceof WaitFullError && line.length >= this.model.waiterCapacity
      }
      this.#that('I4', right, () => `${name} was refused with ${String(error)}, the verdict is ${verdict}`)
    } else {
      this.#that('I4', model.place === 'line', () => `${name} was refused when it was ${model.place}`)
      this.#that('I4', this.#mayLeave(actor, error), () => `${name} left the line with ${String(error)}`)
    }
    this.#fullFacts(error)
    this.model.refuse(model)
    this.seen.add('refused')
  }

  #mayLeave(actor: Actor, error: unknown): boolean {
    const { model } = actor
    const { line, state } = this.model
    if (error instanceof PoolStoppedError) return state === 'stopping'
    if (error instanceof WaitTimeoutError) return model.waitUntil <= this.now
    if (actor.signal?.aborted && error === actor.signal.reason) return true
    if (actor.waitSignal?.aborted && error === actor.waitSignal.reason) return true
    const verdict = line[0] === model ? this.model.judgeAlone(model, this.now) : undefined
    return verdict !== undefined && verdict !== 'full' && error instanceof (REFUSALS[verdict] ?? WaitFullError)
  }

  #fullFacts(error: unknown): void {
    if (!(error instanceof QueueFullError)) return
    const { concurrency, queueCapacity, running, queue, delayed } = this.model
    const right =
      error.concurrency === concurrency &&
      error.queueCapacity === queueCapacity &&
      error.running === running.length &&
      error.queued === queue.length + delayed.length
    this.#that('I4', right, () => `wrong facts: ${error.message}`)
    const { retryAfterMs } = error
    const inRange = Number.isInteger(retryAfterMs) && retryAfterMs >= 1_000 && retryAfterMs <= 60_000
    this.#that('I4', inRange, () => `retryAfterMs ${retryAfterMs}`)
  }

  #hearQueued(task: Task): void {
    const actor = this.#named(task.name)
    const { model } = actor
    const { line } = this.model
    this.sync()
    actor.events.push('queued')
    this.#that('I6', actor.real === undefined, () => `${model.name} was queued twice`)
    actor.real = task
    if (model.place === 'line') {
      this.#that('I11', line[0] === model, () => `${model.name} got in before ${line[0]?.name}`)
      const verdict = this.model.judgeAlone(model, this.now)
      line.shift()
      this.#accept(actor, verdict)
      this.seen.add('a place for a waiter')
    } else {
      this.#that('I4', model.place === 'new', () => `${model.name} was queued when it was ${model.place}`)
      this.#accept(actor, this.model.judge(model, this.now))
    }
  }

  #accept(actor: Actor, verdict: Verdict): void {
    const { model } = actor
    const right = verdict === 'worker' || verdict === 'queue'
    this.#that('I4', right, () => `${model.name} was accepted, the verdict is ${verdict}`)
    const state = verdict === 'worker' ? 'running' : 'queued'
    this.#that('I5', actor.real?.state === state, () => `${model.name} is ${actor.real?.state}, not ${state}`)
    if (verdict === 'worker' || verdict === 'queue') this.model.accept(model, verdict, this.now)
  }

  #hearIdle(): void {
    this.#that('I6', this.model.live === 0 && this.model.busy, () => 'idle was told at another time')
    this.model.busy = false
  }

  #hearStopped(report: StopReport): void {
    const { model } = this
    this.#that('I12', model.state === 'stopping' && model.live === 0, () => `stopped with ${model.live} live`)
    model.state = 'stopped'
    const { succeeded, failed, canceled, at } = this.#before
    const tally = this.#stopTally
    const same = (count: { count: number; ids: readonly string[] }, names: string[]) =>
      count.count === names.length && count.ids.toSorted().join() === names.toSorted().join()
    const right =
      report.reason === 'enough' &&
      report.durationMs === this.now - at &&
      report.succeeded === model.succeeded - succeeded &&
      report.failed === model.failed - failed &&
      report.canceled === model.canceled - canceled &&
      same(report.unstarted, tally.unstarted) &&
      same(report.aborted, tally.aborted) &&
      same(report.interrupted, tally.interrupted)
    this.#that('I7', right, () => `the report is ${JSON.stringify(report)}, not ${JSON.stringify(tally)}`)
  }

  #hearTask(event: PoolEventName, task: Task, retry: { error: unknown; delayMs: number } | undefined): void {
    const actor = this.#named(task.name)
    const { model, events } = actor
    this.#that('I7', task === actor.real, () => `${event} of another task than ${model.name}`)
    this.#that('I6', !events.includes('settled'), () => `${event} of ${model.name} after it had settled`)
    events.push(event)
    if (event === 'started') this.#hearStarted(actor)
    else if (event === 'retrying') {
      const expected = actor.retrying
      actor.retrying = undefined
      const right =
        expected !== undefined &&
        retry !== undefined &&
        expected.error === retry.error &&
        expected.delayMs === retry.delayMs
      this.#that('I10', right, () => `retrying ${model.name} with ${JSON.stringify(retry)}`)
    } else if (event === 'stuck') {
      this.#learn(actor, true)
      const due = model.stuckAt <= this.now && !model.stuck && model.place === 'running'
      this.#that('I10', due, () => `${model.name} is told to be stuck`)
      model.stuck = true
      this.seen.add('stuck')
    } else if (event === 'progress') {
      this.#that('I10', model.plan.progress && model.entered, () => `progress of ${model.name}`)
    } else {
      const { state } = task
      const right = event === 'settled' ? events.at(-2) === state : event === state
      this.#that('I7', right, () => `${event} of ${model.name}, which has ${state}`)
    }
  }

  #hearStarted(actor: Actor): void {
    const { model } = actor
    const { uncalled } = this.model
    this.#that('I9', model.place === 'running' && !model.called, () => `${model.name} started: it is ${model.place}`)
    const exact = this.plan.setup.perKey?.concurrency === undefined
    const first = exact
      ? uncalled[0]
      : uncalled.find(({ key, priority }) => key === model.key && priority === model.priority)
    // a retry and a late rate that both came due with nobody looking may have come in either order
    const vague = first?.startedIn === model.startedIn && model.startedIn === this.#requeuedIn
    this.#that('I11', first === model || vague, () => `${model.name} was called before ${first?.name}`)
    this.model.call(model, this.now)
    const { rateLimit } = this.plan.setup
    if (rateLimit !== undefined) {
      const { calls } = this.model
      const before = calls.at(-1 - rateLimit.starts)
      const right = before === undefined || before <= this.now - rateLimit.intervalMs
      this.#that('I11', right, () => `too many starts in a window, the last at ${this.now}`)
    }
    if (this.#looks % 4 === 0) this.checks.same('I8', 'the attempt', actor.real?.record().attempt, model.attempt)
  }

  #told(error: unknown, { event, task }: UnobservedSource): void {
    if (event !== undefined) {
      this.#toldOf.set(event, (this.#toldOf.get(event) ?? 0) + 1)
      this.#that('I17', String(error).includes(`a listener of ${event}`), () => `told ${String(error)}`)
      return
    }
    this.sync()
    const actor = this.#named(task?.name)
    actor.told++
    if (actor.model.settled && actor.outcome?.to === 'failed' && error === actor.outcome.value) actor.failureTold++
  }

  // ── explaining ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Explains to the model whatever the pool did since the last look. */
  sync(): void {
    const { model } = this
    const look = ++this.#syncs
    for (let again = true; again; ) {
      again = false
      for (const list of [model.running, model.queue, model.delayed]) {
        for (const task of list) {
          const actor = this.actor(task)
          const state = (actor.real as Task).state
          if (state === 'running') continue
          if (state !== 'queued') this.#explainEnd(actor, state)
          else if (task.place === 'running') this.#explainDelay(actor)
          else continue
          again = true
        }
      }
      // a retry that was due before the rate opened stands in its lane already
      if (this.#firingLate) while (this.#explainRequeue(Math.min(model.rateOpenedAt, this.now))) this.#requeuedIn = look
      if (this.#explainStarts(look)) again = true
      if (!again && this.#explainRequeue()) {
        again = true
        this.#requeuedIn = look
      }
    }
    for (const task of model.queue) {
      this.#that('I11', this.actor(task).real?.state === 'queued', () => `${task.name} started out of order`)
    }
    for (const task of model.delayed) {
      this.#that('I8', this.actor(task).real?.state === 'queued', () => `${task.name} started before its time`)
    }
  }

  #explainStarts(look: number): boolean {
    const { model, now } = this
    for (let any = false; ; any = true) {
      const next = model.next(now).find((task) => this.actor(task).real?.state === 'running')
      if (next === undefined) {
        const task = this.#startedLate()
        if (task === undefined) return any
        this.#requeuedIn = look
        model.start(task)
        task.startedIn = look
        continue
      }
      model.start(next)
      next.startedIn = look
    }
  }

  /**
   * Timers that fire late fire in the order of their times, with nobody looking in between: a rate that opened, a retry
   * and a limit of the queue. What started then was at least the first of its priority and key.
   */
  #startedLate(): ModelTask | undefined {
    const { model } = this
    if (!this.#firingLate || !model.open || model.running.length >= model.concurrency || !model.rateAllows(this.now))
      return undefined
    const started = model.queue.find((task) => this.actor(task).real?.state === 'running')
    if (started === undefined) return undefined
    const { priority, key } = started
    return model.queue.find((task) => task.priority === priority && task.key === key) === started ? started : undefined
  }

  #explainRequeue(now = this.now): boolean {
    const { model } = this
    let due: ModelTask | undefined
    for (const task of model.delayed) {
      if (task.retryAt <= now && (due === undefined || task.retryAt < due.retryAt)) due = task
    }
    if (due === undefined) return false
    const real = this.actor(due).real as Task
    if (real.state === 'queued' && real.record().position === undefined) return false
    model.requeue(due)
    return true
  }

  /** What is to come of an attempt whose function has ended. */
  #decide(actor: Actor): {
    to: 'succeeded' | 'failed' | 'canceled' | 'retry'
    value: unknown
    delayMs: number
    by?: string
  } {
    const { model, retry } = actor
    this.#learn(actor, true)
    const ended = model.ended as { well: boolean; value: unknown }
    if (ended.well) return { to: 'succeeded', value: ended.value, delayMs: 0 }
    let error = ended.value
    const { aborted } = actor.abortedBeforeHooks ?? model
    if (aborted !== undefined && gaveUp(error, aborted.reason)) {
      if (aborted.by !== 'timeout') return { to: 'canceled', value: undefined, delayMs: 0, by: aborted.by }
      error = aborted.reason
    }
    const worth =
      retry !== undefined && model.attempt < retry.attempts && (retry.when === 'absent' || retry.when === 'always')
    if (!worth || retry === undefined || model.cancelRequested) return { to: 'failed', value: error, delayMs: 0 }
    const { backoff, backoffMs } = retry
    const doubled = 0.5 * Math.min(backoffMs * 2 ** (model.attempt - 1), 30_000)
    return { to: 'retry', value: error, delayMs: backoff === 'doubled' ? doubled : backoff === 'wrong' ? 0 : backoffMs }
  }

  #explainDelay(actor: Actor): void {
    const { model } = actor
    this.#that('I10', model.ended !== undefined, () => `${model.name} is to be tried again, but has not ended`)
    const { to, value: error, delayMs } = this.#decide(actor)
    this.#that('I10', to === 'retry', () => `${model.name} is to be tried again, but has ${to}`)
    actor.retrying = { error, delayMs }
    actor.abortedBeforeHooks = undefined
    this.model.delay(model, this.now + delayMs)
    this.seen.add('a retry')
  }

  #explainEnd(actor: Actor, state: 'succeeded' | 'failed' | 'canceled'): void {
    const { model } = actor
    const { name } = model
    const record = (actor.real as Task).record()
    this.#that('I7', record.state === state, () => `the record of ${name} says ${record.state}, not ${state}`)
    this.#learn(actor, true)
    if (state === 'canceled' && !model.called) {
      const by = record.reason ?? ''
      // late timers fire in the order of their times: retries before this one's limit, and then perhaps its own start,
      // came unseen
      if (by === 'queue_timeout') {
        do this.#explainStarts(this.#syncs)
        while (this.#explainRequeue(model.queueUntil))
      }
      const late = by === 'queue_timeout' && model.place === 'queued' && this.model.rateOpenedAt <= model.queueUntil
      if (late && this.model.next(this.now).includes(model)) this.model.start(model)
      this.#that('I10', this.#mayCancel(actor, by), () => `${name} was canceled: ${by}`)
      this.#settle(actor, state, undefined, by)
    } else if (state === 'canceled' && !model.entered) {
      this.#that('I10', model.aborted?.by === record.reason, () => `${name} was canceled: ${record.reason}`)
      this.#settle(actor, state, undefined, record.reason)
    } else if (state === 'failed' && record.error?.code === 'ERR_TASK_INTERRUPTED') {
      const due = this.model.state === 'stopping' && this.model.forceAt <= this.now
      this.#that('I10', due && model.called, () => `${name} was interrupted`)
      this.#stopTally.interrupted.push((actor.real as Task).id)
      this.seen.add('interrupted')
      actor.alive = false // given up: not counted against the concurrency of a pool that has stopped
      this.#settle(actor, state, TaskInterruptedError)
    } else {
      this.#that('I10', model.ended !== undefined, () => `${name} has ${state}, but its function has not ended`)
      const { to, value, by } = this.#decide(actor)
      this.#that('I10', to === state, () => `${name} has ${state}, but its function has ${to}`)
      if (to === 'canceled') this.#that('I10', by === record.reason, () => `${name} canceled by ${record.reason}`)
      if (to === 'failed' && value instanceof TaskTimeoutError) this.seen.add('timed out')
      this.#settle(actor, state, value, by)
    }
  }

  #mayCancel(actor: Actor, by: string): boolean {
    const { model } = actor
    if (by === 'user') return actor.cancelReasons.length > 0
    if (by === 'signal') return actor.signal?.aborted === true
    if (by === 'queue_timeout') return model.attempt === 0 && model.queueUntil <= this.now
    return by === 'pool_stopped' && this.model.state === 'stopping' && this.model.grace !== 'open'
  }

  #settle(actor: Actor, to: 'succeeded' | 'failed' | 'canceled', value: unknown, by?: string): void {
    const { model } = actor
    actor.outcome = by === undefined ? { to, value } : { to, value, by }
    this.seen.add(to)
    if (by === 'queue_timeout') this.seen.add('waited too long')
    if (by === 'pool_stopped') {
      const { unstarted, aborted } = this.#stopTally
      ;(model.attempt === 0 ? unstarted : aborted).push((actor.real as Task).id)
    }
    this.model.settle(model, to, this.now)
  }

  /** Reads from a running task's signal and record whether somebody asked for its end, and why. */
  #learn(actor: Actor, deep: boolean): void {
    const { model, ctx } = actor
    if (!model.called || model.settled) return
    if (!deep && model.plan.lazy) return
    if (model.aborted === undefined) {
      const reason = ctx !== undefined && model.entered ? abortOf(ctx) : undefined
      if (reason !== undefined) {
        const by = this.#blame(actor, reason)
        this.#that('I10', by !== undefined, () => `${model.name} was aborted with ${String(reason)}`)
        model.aborted = { by: by as 'user', reason }
        if (model.stuckAt === NEVER) model.stuckAt = this.now + this.plan.setup.stuckAfterMs
      }
    }
    const possible =
      actor.cancelReasons.length > 0 ||
      actor.signal?.aborted ||
      (this.model.state === 'stopping' && this.model.grace !== 'open')
    if (possible && (!model.cancelRequested || (model.aborted === undefined && !model.entered))) {
      const asked = (actor.real as Task).record().cancelRequestedAt !== undefined
      if (!asked) return
      model.cancelRequested = true
      if (model.aborted === undefined && !model.entered) {
        const by = actor.cancelReasons.length > 0 ? 'user' : actor.signal?.aborted ? 'signal' : 'pool_stopped'
        model.aborted = { by, reason: undefined }
      }
      if (model.stuckAt === NEVER) model.stuckAt = this.now + this.plan.setup.stuckAfterMs
    }
  }

  #blame(actor: Actor, reason: unknown): 'user' | 'signal' | 'timeout' | 'pool_stopped' | undefined {
    const { model } = actor
    if (reason instanceof TaskTimeoutError) return model.runUntil <= this.now ? 'timeout' : undefined
    if (actor.signal?.aborted && reason === actor.signal.reason) return 'signal'
    if (reason instanceof PoolStoppedError) return this.model.grace === 'open' ? undefined : 'pool_stopped'
    if (actor.cancelReasons.includes(reason)) return 'user'
    const byUs =
      reason instanceof TaskCanceledError && reason.reason === 'user' && actor.cancelReasons.includes(undefined)
    return byUs ? 'user' : undefined
  }

  // ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The books, line by line. */
  compare(): void {
    const { model } = this
    const { setup } = this.plan
    const stats = this.pool.stats()
    const { totals } = stats
    const { checks } = this
    const { running, queue, delayed, line } = model
    checks.same('I1', 'running', stats.running, running.length)
    checks.same('I1', 'queued', stats.queued, queue.length)
    checks.same('I1', 'delayed', stats.delayed, delayed.length)
    checks.same('I1', 'waiting', stats.waiting, line.length)
    checks.same('I1', 'stuck', stats.stuck, running.filter(({ stuck }) => stuck).length)
    checks.same('I1', 'accepted', totals.accepted, model.accepted)
    checks.same('I1', 'refused', totals.refused, model.refused)
    checks.same('I1', 'submitted', totals.submitted, model.accepted + model.refused + line.length)
    checks.same('I1', 'started', totals.started, model.started)
    checks.same('I1', 'retried', totals.retried, model.retried)
    checks.same('I1', 'succeeded', totals.succeeded, model.succeeded)
    checks.same('I1', 'failed', totals.failed, model.failed)
    checks.same('I1', 'canceled', totals.canceled, model.canceled)
    checks.same('I1', 'concurrency', stats.concurrency, model.concurrency)
    checks.same('I1', 'queueCapacity', stats.queueCapacity, model.queueCapacity)
    checks.same('I1', 'paused', stats.paused, model.paused)
    checks.same('I12', 'state', stats.state, model.state)
    const now = [totals.submitted, totals.accepted, totals.refused, totals.started, totals.retried]
    this.#that('I1', !now.some((n, i) => n < (this.#lastTotals[i] ?? 0)), () => `a total fell: ${now.join()}`)
    this.#lastTotals = now
    const resized = model.concurrency !== setup.concurrency || model.queueCapacity !== setup.queueCapacity
    if (!resized && !this.plan.operations.some((operation) => operation.do === 'resize')) {
      this.#that('I2', stats.running <= setup.concurrency, () => `${stats.running} running`)
      const most = setup.concurrency + setup.queueCapacity
      this.#that('I3', model.live <= most, () => `${model.live} of ${most} places taken`)
    }
    if (setup.retention.ms === NEVER) checks.same('I16', 'retained', stats.retained, model.retained.length)
    else {
      const young = model.retained.filter(({ settledAt }) => this.now - settledAt < setup.retention.ms)
      this.#that('I16', stats.retained <= young.length, () => `${stats.retained} retained, not ${young.length}`)
    }
  }

  /** Everything that must hold between two operations; more the further the world went. */
  look(upTo: 'nothing' | 'microtasks' | 'turn'): void {
    const { model, now } = this
    this.checks.rethrow()
    this.sync()
    for (const task of model.running) this.#learn(this.actor(task), task.runUntil <= now)
    this.compare()
    const vague = (this.late && this.plan.setup.rateLimit !== undefined) || model.grace === 'ending'
    if (!vague) {
      this.#that('I5', model.next(now).length === 0, () => `${model.next(now)[0]?.name} could start and does not`)
      this.#that('I5', !model.lineMoves(now), () => `${model.line[0]?.name} could get in and does not`)
    }
    if (model.grace === 'over') {
      const left = model.queue.length + model.delayed.length + model.uncalled.length
      this.#that('I12', left === 0, () => `${left} tasks wait after the grace`)
      for (const task of model.running) {
        this.#learn(this.actor(task), true)
        this.#that('I12', task.cancelRequested, () => `${task.name} was not asked to end after the grace`)
      }
    }
    this.#lookAtSignals()
    if (upTo === 'nothing') return
    for (const task of model.running) {
      this.#that('I10', task.ended === undefined, () => `the end of ${task.name} was not noticed`)
    }
    this.#that(
      'liveness',
      this.blocked || model.uncalled.length === 0,
      () => `${model.uncalled[0]?.name} is not called`
    )
    this.#that('liveness', model.live > 0 || model.state !== 'stopping', () => 'the pool does not come to its end')
    this.#that('I6', model.live > 0 || !model.busy, () => 'nobody was told idle')
    this.#lookAtPromises()
    if (upTo === 'turn') this.#lookAtLimits()
  }

  #lookAtSignals(): void {
    const wanted = new Map<UserSignal, boolean>()
    /** Of drains whose limit has passed, but whose timer was not fired yet. */
    const overdue = new Set<UserSignal>()
    for (const signal of this.signals) wanted.set(signal, false)
    for (const list of [this.model.running, this.model.queue, this.model.delayed, this.model.line]) {
      for (const task of list) {
        const actor = this.actor(task)
        if (actor.signal !== undefined) wanted.set(actor.signal, true)
        if (task.place === 'line' && actor.waitSignal !== undefined) wanted.set(actor.waitSignal, true)
        if (task.place !== 'running' && actor.signal?.aborted)
          this.#that('I10', false, () => `${task.name} is ${task.place}, but its signal has aborted`)
      }
    }
    for (const drain of this.drains) {
      if (
        drain.signal !== undefined &&
        drain.crossings === this.model.crossings &&
        drain.watched.outcome === undefined
      ) {
        if (drain.until <= this.now) overdue.add(drain.signal)
        else if (!drain.signal.aborted) wanted.set(drain.signal, true)
      }
    }
    for (const [signal, expected] of wanted) {
      this.#that('I14', signal.mostListeners <= 1, () => `${signal.mostListeners} listeners on one signal`)
      if (signal.aborted || overdue.has(signal)) continue
      const right = this.late || signal.listeners === (expected ? 1 : 0)
      this.#that('I14', right, () => `${signal.listeners} listeners on a signal, wanted: ${expected}`)
    }
    if (
      this.model.live === 0 &&
      this.model.line.length === 0 &&
      this.#openDrains() === 0 &&
      this.model.state !== 'stopping'
    ) {
      this.#that('I15', this.clock.alive === 0, () => 'an idle pool keeps the process alive')
    }
  }

  #openDrains(): number {
    return this.drains.filter(({ watched }) => watched.outcome === undefined).length
  }

  #lookAtPromises(): void {
    for (const actor of this.actors) {
      const { model, waiting, refusal, outcome, joined: other } = actor
      if (other !== undefined) {
        const result = waiting?.outcome
        this.#that('I4', result?.well === true && result.value === other.real, () => `${model.name} joined another`)
      }
      if (waiting !== undefined && model.place !== 'line' && model.place !== 'new') {
        const result = waiting.outcome
        const right =
          model.place === 'refused'
            ? result?.well === false && result.error === refusal
            : result?.well === true && result.value === actor.real
        const joined = model.place === 'refused' && model.plan.join && result?.well === true
        this.#that('I7', right || joined === true, () => `the wait of ${model.name} came to ${JSON.stringify(result)}`)
      }
      if (model.place === 'line')
        this.#that(
          'I6',
          waiting?.outcome === undefined,
          () => `the wait of ${model.name} is over, but it is in the line`
        )
      if (outcome === undefined) {
        if (actor.results.length > 0) {
          const early = actor.results.some((watched) => watched.outcome !== undefined)
          this.#that('I6', !early, () => `the result of ${model.name} came too early`)
        }
        continue
      }
      for (const { outcome: result, times } of actor.results) {
        const right = result !== undefined && times === 1 && this.#isOutcome(actor, result.well, result)
        this.#that('I6', right, () => `the result of ${model.name} is ${JSON.stringify(result)}, not ${outcome.to}`)
      }
      for (const { outcome: result } of actor.settlements) {
        this.#that('I6', result?.well === true && result.value === actor.real, () => `${model.name} did not settle`)
      }
      actor.results.length = 0
      actor.settlements.length = 0
    }
    for (const { watched, crossings, until, signal } of this.drains) {
      const { outcome } = watched
      const crossed = crossings < this.model.crossings
      if (outcome === undefined) this.#that('I6', !crossed, () => 'a drain was not let go')
      else if (outcome.well) this.#that('I6', crossed, () => 'a drain was let go too early')
      else if (outcome.error instanceof DrainTimeoutError)
        this.#that('I6', until <= this.now, () => 'a drain gave up early')
      else this.#that('I6', signal?.aborted === true && outcome.error === signal.reason, () => 'a drain was aborted')
    }
  }

  #isOutcome(actor: Actor, well: boolean, result: object): boolean {
    const { to, value, by } = actor.outcome as NonNullable<Actor['outcome']>
    if (to === 'succeeded') return well && Reflect.get(result, 'value') === value
    const error: unknown = Reflect.get(result, 'error')
    if (well) return false
    if (to === 'canceled') return error instanceof TaskCanceledError && error.reason === by
    return value === TaskInterruptedError ? error instanceof TaskInterruptedError : error === value
  }

  /** All timers have fired: no limit may have passed unnoticed. */
  #lookAtLimits(): void {
    const { model, now } = this
    const passed = (id: PromiseId, what: string, task: ModelTask, at: number) =>
      this.#that(id, at > now, () => `${what} of ${task.name} has passed and nothing happened`)
    for (const task of model.running) {
      this.#learn(this.actor(task), task.runUntil <= now)
      if (task.aborted === undefined && !task.cancelRequested) passed('I10', 'the limit', task, task.runUntil)
      if (!task.stuck) passed('I10', 'the patience', task, task.stuckAt)
    }
    for (const task of model.queue) if (task.attempt === 0) passed('I10', 'the queue limit', task, task.queueUntil)
    for (const task of model.delayed) passed('liveness', 'the delay', task, task.retryAt)
    for (const task of model.line) passed('liveness', 'the wait', task, task.waitUntil)
    for (const { watched, until } of this.drains) {
      this.#that('liveness', watched.outcome !== undefined || until > now, () => 'a drain outlived its limit')
    }
    if (model.state === 'stopping') {
      this.#that('I12', model.graceAt > now || model.grace === 'over', () => 'the grace is over and nothing happened')
      this.#that('I12', model.forceAt > now, () => 'the force deadline has passed and nothing happened')
    }
  }

  // ── the timers of the pool ───────────────────────────────────────────────────────────────────────────────────────

  /** Fires the first timer that is due. */
  fire(): void {
    const { model } = this
    if (model.state === 'stopping' && model.grace === 'open' && model.graceAt <= this.now) model.grace = 'ending'
    this.#firingLate = this.clock.next < this.now
    this.clock.fire()
    this.sync()
    this.#firingLate = false
    for (const task of model.running)
      this.#learn(this.actor(task), task.runUntil <= this.now || model.grace === 'ending')
    if (model.grace === 'ending' && model.graceAt <= this.now) model.grace = 'over'
  }

  /** The loop has come round: what was asked to end in it was asked now. */
  notice(): void {
    this.sync()
    for (const task of this.model.running) this.#learn(this.actor(task), this.model.grace === 'over')
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends every function that waits. */
  healOnce(): void {
    for (const { finish } of this.actors) finish?.(true)
  }

  /** What must hold when all is over. */
  lookAtTheEnd(): void {
    const { model } = this
    for (const signal of [...this.signals, ...this.oldSignals]) {
      this.#that('I14', signal.listeners === 0, () => `${signal.listeners} listeners are left on a signal`)
    }
    this.#that('I15', this.clock.set === 0, () => 'a stopped pool has a timer')
    this.#that('liveness', this.report !== undefined, () => 'stop() did not resolve')
    const { quiet, throwing, rejecting } = this.plan.setup
    const loud = !quiet
    const heard = loud || [...throwing, ...rejecting].some((event) => event === 'failed' || event === 'settled')
    for (const actor of this.actors) {
      const { model: task, events, real, outcome } = actor
      if (real === undefined) continue
      this.#that('liveness', task.settled && outcome !== undefined, () => `${task.name} has not settled`)
      const order = events.filter((event) => event !== 'progress' && event !== 'stuck')
      const expected = ['queued', ...Array.from({ length: task.attempt }, () => ['started', 'retrying']).flat()]
      if (order[expected.length - 1] !== 'retrying') expected.splice(task.attempt * 2, task.attempt > 0 ? 1 : 0)
      if (loud) expected.push(task.place, 'settled')
      this.#that('I8', order.join() === expected.join(), () => `${task.name} told ${order.join()}`)
      this.#that('I7', real.state === task.place, () => `${task.name} changed from ${task.place} to ${real.state}`)
      this.checks.same('I8', 'the attempt', real.record().attempt, task.attempt)
      this.#lookAtTold(actor, heard)
    }
    for (const [event, times] of this.#emitted) {
      const expected = times * (Number(throwing.includes(event)) + Number(rejecting.includes(event)))
      const told = this.#toldOf.get(event) ?? 0
      this.#that('I17', told === expected, () => `${told} errors of listeners of ${event} were told, not ${expected}`)
    }
    if (this.plan.setup.retention.ms === NEVER) {
      const listed = this.pool.tasks({ limit: 1_000 })
      const right = listed.length === Math.min(model.retained.length, 1_000)
      this.#that('I16', right, () => `${listed.length} tasks are listed, not ${model.retained.length}`)
    }
  }

  #lookAtTold(actor: Actor, heard: boolean): void {
    const { told, hookErrors, failureTold, outcome, model } = actor
    if (outcome?.value === TaskInterruptedError) return
    const silent = heard || outcome?.to !== 'failed' || actor.askedInTime
    const expected = hookErrors + (silent ? 0 : 1)
    const right = told === expected || (actor.askedLate && told === hookErrors)
    this.#that('I17', right, () => `${told} errors of ${model.name} were told, not ${expected}`)
    if (!silent && !actor.askedLate)
      this.#that('I17', failureTold === 1, () => `the failure of ${model.name} was not told`)
  }
}

function gaveUp(error: unknown, reason: unknown): boolean {
  if (error === reason) return true
  if (!(error instanceof Error)) return false
  return error.name === 'AbortError' || (error.cause !== undefined && error.cause === reason)
}

function abortOf({ signal }: TaskContext): unknown {
  return signal.aborted ? signal.reason : undefined
}
