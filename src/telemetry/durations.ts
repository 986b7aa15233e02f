import type { Attributes, Meter } from '@opentelemetry/api'
import type { OnAttempt } from './attempts.js'
import { errorType, OUTCOME, taskAttributes } from './attributes.js'

/** Bounds of the histograms, in seconds: those that the semantic conventions give for HTTP, and some minutes more. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300]

/** Records waits and runs as histograms. */
export function durationsOf(meter: Meter, common: Attributes): OnAttempt {
  const histogram = (name: string, description: string) =>
    meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: BOUNDS } })
  const waits = histogram(
    'coatcheck.task.wait.duration',
    'Time from the acceptance of a task to its first start, delays included.'
  )
  const runs = histogram('coatcheck.attempt.duration', 'Time from the start of an attempt to its end.')
  return ({ task, waitMs }) => {
    const attributes = { ...common, ...taskAttributes(task) }
    if (waitMs !== undefined) waits.record(waitMs / 1_000, attributes)
    return (end) => {
      if (end === undefined) return
      const { outcome, error, durationMs } = end
      const failure = error === undefined ? undefined : { 'error.type': errorType(error) }
      runs.record(durationMs / 1_000, { ...attributes, [OUTCOME]: outcome, ...failure })
    }
  }
}
