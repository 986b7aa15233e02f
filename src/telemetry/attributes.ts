import type { Attributes } from '@opentelemetry/api'
import type { Task } from '../contract/task-contract.js'
import { read } from '../contract/task-record.js'

/** How a task or an attempt ended. */
export const OUTCOME = 'coatcheck.outcome'

/** The attributes of a pool. */
export function poolAttributes(name: string | undefined): Attributes {
  return name === undefined ? {} : { 'coatcheck.pool.name': name }
}

/** The attributes of a task that have few values. */
export function taskAttributes({ name }: Task): Attributes {
  return name === undefined ? {} : { 'coatcheck.task.name': name }
}

/**
 * The kind of an error: its code, or else its name.
 *
 * @see the attribute `error.type` of the OpenTelemetry semantic conventions
 */
export function errorType(error: unknown): string {
  const [code, name] = [read(error, 'code'), read(error, 'name')]
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : '_OTHER'
}
