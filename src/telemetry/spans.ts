import { type Attributes, context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { Task } from '../contract/task-contract.js'
import { textOf } from '../contract/task-record.js'
import type { AttemptEnd, OnAttempt } from './attempts.js'
import { errorType, OUTCOME, taskAttributes } from './attributes.js'

/** A span for each attempt, linked to the span in which its task was queued. */
export function spansOf(tracer: Tracer, common: Attributes, own: (task: Task) => Attributes): OnAttempt {
  return ({ task, number }) => {
    const queuing = trace.getSpanContext(context.active())
    const span = tracer.startSpan(`run ${task.name ?? 'task'}`, {
      root: true,
      links: queuing === undefined ? [] : [{ context: queuing }],
      attributes: { ...common, ...taskAttributes(task), 'coatcheck.attempt.number': number, ...own(task) }
    })
    return (end) => {
      if (end !== undefined) describe(span, end)
      span.end()
    }
  }
}

function describe(span: Span, { outcome, error }: AttemptEnd): void {
  span.setAttribute(OUTCOME, outcome)
  if (outcome !== 'failed' && outcome !== 'retried') return
  span.setAttribute('error.type', errorType(error))
  span.recordException(error instanceof Error ? error : textOf(error))
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : textOf(error) })
}
