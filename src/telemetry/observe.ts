import type { Attributes, Meter, Tracer } from '@opentelemetry/api'
import { callable, optionsOf } from '../contract/checks.js'
import type { Task } from '../contract/task-contract.js'
import { type Attempt, followAttempts, type OnAttempt } from './attempts.js'
import { poolAttributes } from './attributes.js'
import { durationsOf } from './durations.js'
import { observeFigures } from './figures.js'
import { type ObservedPool, requirePool } from './observed-pool.js'
import { spansOf } from './spans.js'

/** The options of {@link observe}. */
export interface ObserveOptions {
  /**
   * Creates the instruments, for example `metrics.getMeter('coatcheck')`.
   *
   * @defaultValue no metrics
   */
  readonly meter?: Meter | undefined

  /**
   * Starts the spans, for example `trace.getTracer('coatcheck')`.
   *
   * @defaultValue no spans
   */
  readonly tracer?: Tracer | undefined

  /**
   * Further attributes of the span of an attempt, such as the task's key. Metrics do not have them: each value would be a time
   * series of its own. Called when the attempt starts; an error goes to the pool's `onUnobservedError`.
   *
   * @defaultValue none: the name of the pool, the name of the task and the number of the attempt
   */
  readonly spanAttributes?: ((task: Task) => Attributes) | undefined
}

const OBSERVE_OPTIONS = { meter: true, tracer: true, spanAttributes: true } as const

/**
 * Reports a pool to OpenTelemetry: its statistics as observable instruments, waits and attempts as histograms in seconds, and
 * each attempt as a span that is linked to the span in which its task was queued.
 *
 * The attributes have few values: the names of the pool and the task, the outcome, and the code or name of an error. Ids and
 * keys are not among them. Failures still reach `onUnobservedError`. Statistics are read when the metrics are collected, once
 * for all instruments. Give each pool a name: two pools of one name report the same series.
 *
 * @param pool - the pool, before or after its start; tasks that run already have no span
 * @param options - `meter`, `tracer` or both
 * @returns ends the observation: instruments report nothing more, spans of running attempts end, nothing refers to the pool.
 *   Call it once the last metrics of a stopped pool were collected. Further calls do nothing
 * @throws TypeError when the pool is none, or an option is wrong or unknown
 *
 * @example
 * ```ts
 * import { metrics, trace } from '@opentelemetry/api'
 * import { WorkerPool } from 'coatcheck'
 * import { observe } from 'coatcheck/telemetry'
 *
 * const pool = new WorkerPool({ name: 'reports', concurrency: 10, queueCapacity: 100 }).start()
 *
 * const endObservation = observe(pool, { meter: metrics.getMeter('coatcheck'), tracer: trace.getTracer('coatcheck') })
 * await pool.stop()
 * endObservation()
 * ```
 *
 * @see the OpenTelemetry semantic conventions for the naming of metrics and attributes
 */
export function observe(pool: ObservedPool, options: ObserveOptions): () => void {
  requirePool(pool)
  const { meter, tracer, spanAttributes } = optionsOf<ObserveOptions>('options', options, OBSERVE_OPTIONS)
  const own =
    spanAttributes === undefined ? none : callable<(task: Task) => Attributes>('spanAttributes', spanAttributes)
  const common = poolAttributes(pool.stats().name)
  const ends: (() => void)[] = []
  const follow: OnAttempt[] = []
  if (meter !== undefined) {
    ends.push(observeFigures(pool, meter, common))
    follow.push(durationsOf(meter, common))
  }
  if (tracer !== undefined) follow.push(spansOf(tracer, common, own))
  if (follow.length > 0) ends.push(followAttempts(pool, together(follow)))
  return () => {
    for (const end of ends.splice(0)) end()
  }
}

function none(): Attributes {
  return {}
}

function together(follow: readonly OnAttempt[]): OnAttempt {
  const [first, ...others] = follow
  if (first !== undefined && others.length === 0) return first
  return (attempt: Attempt) => {
    const ends = follow.map((each) => each(attempt))
    return (end) => {
      for (const each of ends) each(end)
    }
  }
}
