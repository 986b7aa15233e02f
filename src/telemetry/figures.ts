import type { Attributes, Meter, ObservableResult } from '@opentelemetry/api'
import type { PoolStats } from '../contract/reports.js'
import { OUTCOME } from './attributes.js'
import type { ObservedPool } from './observed-pool.js'

type Kind = 'counter' | 'gauge' | 'upDownCounter'

/** A figure of the statistics as an instrument. */
interface Figure {
  readonly name: string
  readonly kind: Kind
  readonly unit: string
  readonly description: string
  readonly observe: (stats: PoolStats, add: (value: number, attributes?: Attributes) => void) => void
}

const FIGURES: readonly Figure[] = [
  {
    name: 'coatcheck.tasks.running',
    kind: 'upDownCounter',
    unit: '{task}',
    description: 'Tasks that have a worker.',
    observe: ({ running }, add) => add(running)
  },
  {
    name: 'coatcheck.tasks.queued',
    kind: 'upDownCounter',
    unit: '{task}',
    description: 'Tasks that wait for a worker.',
    observe: ({ queued }, add) => add(queued)
  },
  {
    name: 'coatcheck.tasks.delayed',
    kind: 'upDownCounter',
    unit: '{task}',
    description: 'Tasks that wait for their retry, or for the end of a delay.',
    observe: ({ delayed }, add) => add(delayed)
  },
  {
    name: 'coatcheck.tasks.stuck',
    kind: 'upDownCounter',
    unit: '{task}',
    description: 'Tasks that still run long after their timeout or cancel.',
    observe: ({ stuck }, add) => add(stuck)
  },
  {
    name: 'coatcheck.tasks.retained',
    kind: 'upDownCounter',
    unit: '{task}',
    description: 'Settled tasks that are still in memory.',
    observe: ({ retained }, add) => add(retained)
  },
  {
    name: 'coatcheck.waiters.count',
    kind: 'upDownCounter',
    unit: '{waiter}',
    description: 'Callers that wait for room.',
    observe: ({ waiting }, add) => add(waiting)
  },
  {
    name: 'coatcheck.weight.held',
    kind: 'upDownCounter',
    unit: '{weight}',
    description: 'Weights of accepted tasks that have not settled, in pools with a bound for them.',
    observe: ({ heldWeight, weightCapacity }, add) => {
      if (weightCapacity !== null) add(heldWeight)
    }
  },
  {
    name: 'coatcheck.weight.limit',
    kind: 'upDownCounter',
    unit: '{weight}',
    description: 'Weights that accepted tasks may have together, in pools with a bound for them.',
    observe: ({ weightCapacity }, add) => {
      if (weightCapacity !== null) add(weightCapacity)
    }
  },
  {
    name: 'coatcheck.workers.limit',
    kind: 'upDownCounter',
    unit: '{worker}',
    description: 'Tasks that may run at the same time.',
    observe: ({ concurrency }, add) => add(concurrency)
  },
  {
    name: 'coatcheck.queue.limit',
    kind: 'upDownCounter',
    unit: '{task}',
    description: 'Accepted tasks that may wait for a worker.',
    observe: ({ queueCapacity }, add) => add(queueCapacity)
  },
  {
    name: 'coatcheck.queue.oldest',
    kind: 'gauge',
    unit: 's',
    description: 'Time that the oldest queued task has waited.',
    observe: ({ oldestQueuedMs }, add) => add(oldestQueuedMs / 1_000)
  },
  {
    name: 'coatcheck.tasks.accepted',
    kind: 'counter',
    unit: '{task}',
    description: 'Accepted tasks.',
    observe: ({ totals }, add) => add(totals.accepted)
  },
  {
    name: 'coatcheck.tasks.refused',
    kind: 'counter',
    unit: '{task}',
    description: 'Tasks that were refused, at once or after a wait.',
    observe: ({ totals }, add) => add(totals.refused)
  },
  {
    name: 'coatcheck.tasks.settled',
    kind: 'counter',
    unit: '{task}',
    description: 'Tasks that reached their final state.',
    observe: ({ totals }, add) => {
      add(totals.succeeded, { [OUTCOME]: 'succeeded' })
      add(totals.failed, { [OUTCOME]: 'failed' })
      add(totals.canceled, { [OUTCOME]: 'canceled' })
    }
  },
  {
    name: 'coatcheck.attempts.started',
    kind: 'counter',
    unit: '{attempt}',
    description: 'Calls of task functions.',
    observe: ({ totals }, add) => add(totals.started)
  },
  {
    name: 'coatcheck.attempts.retried',
    kind: 'counter',
    unit: '{attempt}',
    description: 'Failed attempts that were followed by a retry.',
    observe: ({ totals }, add) => add(totals.retried)
  },
  {
    name: 'coatcheck.attempts.snoozed',
    kind: 'counter',
    unit: '{attempt}',
    description: 'Calls that ended by a snooze.',
    observe: ({ totals }, add) => add(totals.snoozed)
  },
  {
    name: 'coatcheck.tickets.forgotten_early',
    kind: 'counter',
    unit: '{ticket}',
    description: 'Tickets that were forgotten before their time for want of room.',
    observe: ({ retention }, add) => add(retention.forgottenEarly)
  }
]

/** Observes the statistics of a pool: they are read once for each collection. Returns how to end that. */
export function observeFigures(pool: ObservedPool, meter: Meter, common: Attributes): () => void {
  const instruments = FIGURES.map((figure) => ({ figure, instrument: instrumentOf(meter, figure) }))
  const observables = instruments.map(({ instrument }) => instrument)
  const collect = (result: {
    observe: (instrument: (typeof observables)[number], ...rest: Observed) => void
  }): void => {
    const stats = pool.stats()
    for (const { figure, instrument } of instruments) {
      figure.observe(stats, (value, attributes) => result.observe(instrument, value, { ...common, ...attributes }))
    }
  }
  meter.addBatchObservableCallback(collect, observables)
  return () => meter.removeBatchObservableCallback(collect, observables)
}

type Observed = Parameters<ObservableResult['observe']>

function instrumentOf(meter: Meter, { name, kind, unit, description }: Figure) {
  const options = { unit, description }
  if (kind === 'counter') return meter.createObservableCounter(name, options)
  if (kind === 'gauge') return meter.createObservableGauge(name, options)
  return meter.createObservableUpDownCounter(name, options)
}
