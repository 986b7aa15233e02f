import { PoolStoppedError, type StopReport } from '../../src/index.js'
import { given } from './given.js'
import { Part } from './part.js'

/** The beginning and the end of the pool, and what its report has to say. */
export class Stops extends Part {
  report: StopReport | undefined
  /** The ids that belong into the lists of the report. */
  readonly tally = { unstarted: [] as string[], aborted: [] as string[], interrupted: [] as string[] }
  readonly #before = { succeeded: 0, failed: 0, canceled: 0, at: 0 }

  start(): void {
    const { model, pool, checks } = this.world
    if (model.state !== 'stopping' && model.state !== 'stopped') {
      model.state = 'running'
      pool.start()
      return
    }
    let thrown: unknown
    try {
      pool.start()
    } catch (error) {
      thrown = error
    }
    checks.that('I12', thrown instanceof PoolStoppedError, () => 'a stopped pool was started')
  }

  stop(grace?: number, force?: number, queued?: 'cancel'): void {
    const { model, pool, checks, explainer, aborts, now, seen, healing } = this.world
    explainer.sync()
    if (model.state === 'created' || model.state === 'running') {
      const { succeeded, failed, canceled } = model
      Object.assign(this.#before, { succeeded, failed, canceled, at: now })
      seen.add(healing ? 'no stop' : 'a stop')
    }
    aborts.learnAll()
    model.stop(grace ?? 20_000, force ?? 5_000, queued ?? 'run', now)
    const report = pool.stop({ ...given({ graceMs: grace, forceMs: force, queued }), reason: 'enough' })
    checks.that('I12', pool.state !== 'running', () => 'a pool runs after stop()')
    report.then(
      (value) => {
        this.report = value
      },
      (error: unknown) =>
        checks.within(() => {
          throw error
        })
    )
  }

  /** The event `stopping`. */
  hearStopping(): void {
    const { checks, pool } = this.world
    checks.that('I12', pool.state === 'stopping', () => 'stopping was told at another time')
  }

  /** The event `stopped`. */
  hearStopped(report: StopReport): void {
    const { model, checks, now } = this.world
    const { tally } = this
    checks.that('I12', model.state === 'stopping' && model.live === 0, () => `stopped with ${model.live} live`)
    model.state = 'stopped'
    const { succeeded, failed, canceled, at } = this.#before
    const same = (count: { count: number; ids: readonly string[] }, names: string[]) =>
      count.count === names.length && count.ids.toSorted().join() === names.toSorted().join()
    const right =
      report.reason === 'enough' &&
      report.durationMs === now - at &&
      report.succeeded === model.succeeded - succeeded &&
      report.failed === model.failed - failed &&
      report.canceled === model.canceled - canceled &&
      same(report.unstarted, tally.unstarted) &&
      same(report.aborted, tally.aborted) &&
      same(report.interrupted, tally.interrupted)
    checks.that('I7', right, () => `the report is ${JSON.stringify(report)}, not ${JSON.stringify(tally)}`)
  }

  /** After the grace nothing waits, and everything that runs was asked to end. */
  look(): void {
    const { model, checks, cast, aborts } = this.world
    const held = model.queueClosed ? model.queue.length + model.delayed.length : 0
    checks.that('I12', held === 0, () => `${held} tasks wait after a stop that cancels the queue`)
    if (model.grace !== 'over') return
    const left = model.queue.length + model.delayed.length + model.uncalled.length
    checks.that('I12', left === 0, () => `${left} tasks wait after the grace`)
    for (const task of model.running) {
      aborts.learn(cast.of(task))
      checks.that('I12', task.cancelRequested, () => `${task.name} was not asked to end after the grace`)
    }
  }

  /** All timers have fired. */
  lookAtLimits(): void {
    const { model, checks, now } = this.world
    if (model.state !== 'stopping') return
    const open = model.graceAt > now || model.grace === 'over'
    checks.that('I12', open, () => 'the grace is over and nothing happened')
    checks.that('I12', model.forceAt > now, () => 'the force deadline has passed and nothing happened')
  }

  lookAtTheEnd(): void {
    this.world.checks.that('liveness', this.report !== undefined, () => 'stop() did not resolve')
  }
}
