import { context, type Meter, type Tracer } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { onTestFinished } from 'vitest'

/** The real SDK, with what it exports kept in memory. Contexts follow `AsyncLocalStorage`. */
export function sdk() {
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 })
  const meters = new MeterProvider({ readers: [reader] })
  const spanExporter = new InMemorySpanExporter()
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  onTestFinished(async () => {
    context.disable()
    await meters.shutdown()
    await tracers.shutdown()
  })

  /** The metrics of now, by name. */
  const collect = async () => {
    metricExporter.reset()
    await meters.forceFlush()
    const metrics = metricExporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((each) => each.metrics))
    return new Map(metrics.map((metric) => [metric.descriptor.name, metric]))
  }

  const meter: Meter = meters.getMeter('test')
  const tracer: Tracer = tracers.getTracer('test')
  return { meter, tracer, collect, spans: () => spanExporter.getFinishedSpans() }
}

/** The points of a metric as numbers by their attributes. */
export function pointsOf(metric: { readonly dataPoints: readonly DataPoint<unknown>[] } | undefined) {
  return (metric?.dataPoints ?? []).map(({ attributes, value }) => [attributes, value])
}

/** The points of a histogram. */
export function histogram(metrics: ReadonlyMap<string, MetricData>, name: string): readonly DataPoint<Histogram>[] {
  const metric = metrics.get(name)
  return metric?.dataPointType === DataPointType.HISTOGRAM ? metric.dataPoints : []
}
