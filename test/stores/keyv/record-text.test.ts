import { describe, expect, it } from 'vitest'
import type { TaskRecord } from '../../../src/index.js'
import { textOf } from '../../../src/stores/keyv/record-text.js'

const record: TaskRecord = {
  ...{ id: 'ticket', state: 'succeeded', attempt: 1, revision: 3, queuedAt: '2030-01-01T00:00:00.000Z' }
}
const large = 'x'.repeat(1_000)

describe('the text of a record for a server', () => {
  it.each<[string, Partial<TaskRecord>, readonly string[]]>([
    ['that is small is whole', { result: 'r', metadata: 'm' }, ['metadata', 'result']],
    ['with a large result is without it', { result: large }, ['resultOmitted']],
    ['with a large result keeps its metadata', { result: large, metadata: 'm' }, ['metadata', 'resultOmitted']],
    ['with large metadata is without them', { metadata: large }, []],
    ['with large metadata and a result is without both', { result: 'r', metadata: large }, ['resultOmitted']]
  ])('%s', (_, more, kept) => {
    const { id, state, attempt, revision, queuedAt, ...rest } = JSON.parse(textOf({ ...record, ...more }, 500))
    expect({ id, state, attempt, revision, queuedAt }).toEqual(record)
    expect(Object.keys(rest).sort()).toEqual(kept)
  })
})
