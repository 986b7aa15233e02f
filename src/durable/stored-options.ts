import { jsonText } from '../contract/checks.js'
import type { RetryPolicy } from '../contract/policies.js'
import type { StoredTask } from '../contract/store.js'
import type { TaskSettings } from '../contract/task-settings.js'

/**
 * The input of a stored task as JSON text.
 *
 * @throws TypeError when JSON cannot represent it
 * @throws RangeError when the text is too long
 */
export function inputText(input: unknown, maxBytes: number): string | undefined {
  if (input === undefined) return undefined
  const text = jsonText('input', input)
  const bytes = Buffer.byteLength(text)
  if (bytes > maxBytes) {
    throw new RangeError(`Expected \`input\` to have at most ${maxBytes} bytes as JSON (maxInputBytes), got ${bytes}`)
  }
  return text
}

/** @throws TypeError when the task's own policy has functions, which a store cannot keep */
export function requirePlainRetry(retry: RetryPolicy | undefined): void {
  const name = typeof retry?.backoffMs === 'function' ? 'backoffMs' : retry?.when === undefined ? undefined : 'when'
  if (name === undefined) return
  throw new TypeError(
    `Expected \`retry.${name}\` of a stored task not to be a function: give the policy to its handler, or queue it with \`volatile: true\``
  )
}

/** The task's own options, as its row has them. Infinity is null. */
interface StoredOptions {
  readonly timeoutMs?: number | null | undefined
  readonly queueTimeoutMs?: number | null | undefined
  readonly retainMs?: number | null | undefined
  readonly weight?: number | undefined
  readonly retry?: { readonly attempts: number; readonly backoffMs: number | null } | undefined
}

/** The task's own options as JSON text; null without any. */
export function optionsText(settings: TaskSettings | undefined): string | null {
  if (settings === undefined) return null
  const { timeoutMs, queueTimeoutMs, retainMs, retry } = settings
  const weight = settings.weight === 1 ? undefined : settings.weight
  if ([timeoutMs, queueTimeoutMs, retainMs, weight, retry].every((value) => value === undefined)) return null
  return JSON.stringify({
    timeoutMs,
    queueTimeoutMs,
    retainMs,
    weight,
    retry: retry && { attempts: retry.attempts, backoffMs: retry.backoffMs }
  })
}

/** The settings of a task, from its row. */
export function settingsOf(row: StoredTask): TaskSettings {
  const { timeoutMs, queueTimeoutMs, retainMs, weight = 1, retry } = JSON.parse(row.options ?? '{}') as StoredOptions
  return {
    id: row.id,
    name: undefined,
    key: row.key ?? undefined,
    priority: row.priority,
    timeoutMs: limit(timeoutMs),
    queueTimeoutMs: limit(queueTimeoutMs),
    signal: undefined,
    retry: retry && { attempts: retry.attempts, backoffMs: limit(retry.backoffMs), when: undefined },
    metadata: row.metadata ?? undefined,
    onDuplicate: 'refuse',
    retainMs: limit(retainMs),
    delayMs: 0,
    weight,
    volatile: false,
    fingerprint: row.fingerprint ?? undefined
  }
}

function limit(ms: number | null): number
function limit(ms: number | null | undefined): number | undefined
function limit(ms: number | null | undefined): number | undefined {
  return ms === null ? Number.POSITIVE_INFINITY : ms
}
