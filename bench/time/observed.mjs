/** A pool that reports to the real SDK of OpenTelemetry, whose exports are kept in memory or dropped. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)

/** @type {(pool: import('coatcheck').WorkerPool, dist: string, parts: readonly ('meter' | 'tracer')[]) => Promise<() => Promise<void>>} */
export const observed = async (pool, dist, parts) => {
  /** @type {typeof import('coatcheck/telemetry')} */
  const { observe } = await import(pathToFileURL(join(dist, 'telemetry', 'index.js')).href)
  const meters = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] })
  const tracers = new BasicTracerProvider()
  const end = observe(pool, {
    meter: parts.includes('meter') ? meters.getMeter('bench') : undefined,
    tracer: parts.includes('tracer') ? tracers.getTracer('bench') : undefined
  })
  return async () => {
    end()
    await Promise.all([meters.shutdown(), tracers.shutdown()])
  }
}
