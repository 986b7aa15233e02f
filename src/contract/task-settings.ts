import {
  abortSignal,
  duration,
  finiteDuration,
  flag,
  given,
  jsonText,
  oneOf,
  optionsOf,
  safeInteger,
  text,
  ticket,
  weight
} from './checks.js'
import { checkRetry, type RetryPolicy } from './policies.js'
import type { TaskOptions, WaitOptions } from './task-options.js'

/** The checked options of a task. An option that was not given is `undefined`. */
export interface TaskSettings {
  readonly id: string | undefined
  readonly name: string | undefined
  readonly key: string | undefined
  readonly priority: number
  readonly timeoutMs: number | undefined
  readonly queueTimeoutMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly retry: RetryPolicy | undefined
  /** As JSON text. */
  readonly metadata: string | undefined
  readonly onDuplicate: OnDuplicate
  readonly retainMs: number | undefined
  readonly delayMs: number
  readonly weight: number
  readonly volatile: boolean
  readonly fingerprint: string | undefined
}

/** What becomes of a task whose id is in use. */
export type OnDuplicate = NonNullable<TaskOptions['onDuplicate']>

const TASK_OPTIONS = {
  id: true,
  name: true,
  key: true,
  priority: true,
  timeoutMs: true,
  queueTimeoutMs: true,
  signal: true,
  retry: true,
  metadata: true,
  onDuplicate: true,
  retainMs: true,
  delayMs: true,
  weight: true,
  volatile: true,
  fingerprint: true
} as const

const WAIT_OPTIONS = { ...TASK_OPTIONS, waitMs: true, waitSignal: true } as const

/** Checks the options of one task. Reads each once. */
export function checkTaskOptions(
  options: unknown,
  handler: string | undefined,
  { weightCapacity }: { readonly weightCapacity: number }
): TaskSettings {
  return taskSettings(optionsOf<TaskOptions>('options', options, TASK_OPTIONS), handler, weightCapacity)
}

/** The checked options of a task whose caller may wait for room. */
export interface WaitSettings {
  readonly task: TaskSettings
  readonly waitMs: number
  readonly waitSignal: AbortSignal | undefined
}

/** Checks the options of one task whose caller may wait for room. */
export function checkWaitOptions(
  options: unknown,
  handler: string | undefined,
  { weightCapacity }: { readonly weightCapacity: number }
): WaitSettings {
  const o = optionsOf<WaitOptions>('options', options === undefined ? {} : options, WAIT_OPTIONS)
  return {
    task: taskSettings(o, handler, weightCapacity),
    waitMs: given(o.waitMs, (v) => duration('waitMs', v), Number.POSITIVE_INFINITY),
    waitSignal: given(o.waitSignal, (v) => abortSignal('waitSignal', v), undefined)
  }
}

function taskSettings(o: TaskOptions, handler: string | undefined, weightCapacity: number): TaskSettings {
  const name = given(o.name, (v) => text('name', v), undefined)
  if (name !== undefined && handler !== undefined) {
    throw new TypeError(
      `Expected \`name\` to be left out: the task of a handler has the name of its handler, \`${handler}\``
    )
  }
  return {
    id: given(o.id, (v) => ticket('id', v), undefined),
    name,
    key: given(o.key, (v) => text('key', v), undefined),
    priority: given(o.priority, (v) => safeInteger('priority', v), 0),
    timeoutMs: given(o.timeoutMs, (v) => duration('timeoutMs', v), undefined),
    queueTimeoutMs: given(o.queueTimeoutMs, (v) => duration('queueTimeoutMs', v), undefined),
    signal: given(o.signal, (v) => abortSignal('signal', v), undefined),
    retry: given(o.retry, (v) => checkRetry(v), undefined),
    metadata: given(o.metadata, (v) => jsonText('metadata', v), undefined),
    onDuplicate: given(o.onDuplicate, (v) => oneOf('onDuplicate', v, ['refuse', 'join', 'join-live']), 'refuse'),
    retainMs: given(o.retainMs, (v) => duration('retainMs', v), undefined),
    delayMs: given(o.delayMs, (v) => finiteDuration('delayMs', v), 0),
    weight: given(o.weight, (v) => weight('weight', v, weightCapacity), 1),
    volatile: given(o.volatile, (v) => flag('volatile', v), false),
    fingerprint: given(o.fingerprint, (v) => text('fingerprint', v), undefined)
  }
}
