/**
 * The statistics of pools for Prometheus, with prom-client. They are read when the metrics are requested: nothing is
 * collected in between. `npx tsx examples/prometheus.ts` serves `/metrics`; `grafana-dashboard.json` shows them.
 */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type DurationStats, type PoolStats, WorkerPool } from 'coatcheck'
import { Counter, Gauge, type Metric, Registry } from 'prom-client'

/** The part of a pool that is read. Give each pool a name: it is the label `pool`. */
interface Pool {
  stats(): PoolStats
}

/** A histogram whose buckets the pool has counted already. Its methods are those that a registry calls. */
function durationHistogram(
  name: string,
  help: string,
  pools: readonly Pool[],
  durationsOf: (stats: PoolStats) => DurationStats
): Metric {
  const get = async () => {
    const values = pools.flatMap((each) => {
      const stats = each.stats()
      const pool = stats.name ?? ''
      const { buckets, count, sum } = durationsOf(stats)
      const bucket = (le: number | '+Inf', value: number) => ({
        labels: { pool, le },
        value,
        metricName: `${name}_bucket`
      })
      return [
        ...buckets.map(({ leMs, count }) => bucket(leMs / 1_000, count)),
        bucket('+Inf', count),
        { labels: { pool }, value: sum / 1_000, metricName: `${name}_sum` },
        { labels: { pool }, value: count, metricName: `${name}_count` }
      ]
    })
    return { name, help, type: 'histogram', aggregator: 'sum', values }
  }
  return { name, help, type: 'histogram', get, reset: () => {} } as unknown as Metric
}

/** Registers the metrics of pools. */
export function registerPools(pools: readonly Pool[], register: Registry): void {
  const registers = [register]
  const gauge = (name: string, help: string, read: (stats: PoolStats) => number): void => {
    const labelNames = ['pool'] as const
    const metric: Gauge<'pool'> = new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect: () => {
        for (const stats of pools.map((pool) => pool.stats())) metric.set({ pool: stats.name ?? '' }, read(stats))
      }
    })
  }
  const counter = (
    name: string,
    help: string,
    readAll: (stats: PoolStats) => Readonly<Record<string, number>>
  ): void => {
    const labelNames = ['pool', 'outcome'] as const
    const metric: Counter<'pool' | 'outcome'> = new Counter({
      name,
      help,
      labelNames,
      registers,
      collect: () => {
        metric.reset() // the pool has counted: the metric takes its value
        for (const stats of pools.map((pool) => pool.stats())) {
          for (const [outcome, value] of Object.entries(readAll(stats))) {
            metric.inc({ pool: stats.name ?? '', ...(outcome === '' ? undefined : { outcome }) }, value)
          }
        }
      }
    })
  }

  gauge('coatcheck_tasks_running', 'Tasks that have a worker.', ({ running }) => running)
  gauge('coatcheck_tasks_queued', 'Tasks that wait for a worker.', ({ queued }) => queued)
  gauge('coatcheck_tasks_delayed', 'Tasks that wait for their retry.', ({ delayed }) => delayed)
  gauge('coatcheck_tasks_stuck', 'Tasks that still run long after their timeout or cancel.', ({ stuck }) => stuck)
  gauge('coatcheck_waiters', 'Callers that wait for room.', ({ waiting }) => waiting)
  gauge('coatcheck_workers_limit', 'Tasks that may run at the same time.', ({ concurrency }) => concurrency)
  gauge('coatcheck_queue_limit', 'Accepted tasks that may wait for a worker.', ({ queueCapacity }) => queueCapacity)
  gauge(
    'coatcheck_queue_oldest_seconds',
    'Time that the oldest queued task has waited.',
    (s) => s.oldestQueuedMs / 1_000
  )
  counter('coatcheck_tasks_accepted_total', 'Accepted tasks.', ({ totals }) => ({ '': totals.accepted }))
  counter('coatcheck_tasks_refused_total', 'Refused tasks.', ({ totals }) => ({ '': totals.refused }))
  counter('coatcheck_tasks_settled_total', 'Tasks that reached their final state.', ({ totals }) => ({
    succeeded: totals.succeeded,
    failed: totals.failed,
    canceled: totals.canceled
  }))
  counter('coatcheck_attempts_retried_total', 'Attempts that were followed by a retry.', ({ totals }) => ({
    '': totals.retried
  }))
  counter('coatcheck_tickets_forgotten_early_total', 'Tickets that were forgotten before their time.', (stats) => ({
    '': stats.retention.forgottenEarly
  }))
  register.registerMetric(
    durationHistogram('coatcheck_task_wait_seconds', 'From acceptance to the first start.', pools, (s) => s.waitMs)
  )
  register.registerMetric(
    durationHistogram('coatcheck_attempt_seconds', 'From the start of an attempt to its end.', pools, (s) => s.runMs)
  )
}

/** A server with `/metrics`. */
export function metricsServer(register: Registry) {
  return createServer(async (request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end()
    response.setHeader('Content-Type', register.contentType)
    response.end(await register.metrics())
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const pool = new WorkerPool({ name: 'reports', concurrency: 4, queueCapacity: 100 }).start()
  const register = new Registry()
  registerPools([pool], register)
  setInterval(() => pool.queueTask(() => sleep(Math.random() * 500)), 100)
  metricsServer(register).listen(9464, '127.0.0.1', () => console.log('http://127.0.0.1:9464/metrics'))
}
