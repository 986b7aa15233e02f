import { expect, it } from 'vitest'
import { failureLine } from '../../src/dashboard/task-lines.js'
import type { ErrorRecord, TaskRecord } from '../../src/index.js'

it.each<[string, ErrorRecord | undefined, string, string]>([
  ['its code', { name: 'TaskTimeoutError', code: 'ERR_TASK_TIMEOUT', message: 'late' }, 'ERR_TASK_TIMEOUT', 'late'],
  ['its name without a code', { name: 'RangeError', message: 'far' }, 'RangeError', 'far'],
  ['a general word without an error', undefined, 'Error', '']
])('a failure is listed by %s', (_, error, code, message) => {
  const record = { id: 'ticket', state: 'failed', settledAt: '2030-01-01T00:00:00.000Z', error }
  expect(failureLine(record as TaskRecord)).toMatchObject({ id: 'ticket', code, message })
})
