import { describe, expect, it } from 'vitest'
import { type SharedConditionFacts, sharedConditionOf } from '../../src/dashboard/shared/condition.js'

const counts = { queued: 0, delayed: 0, running: 1, succeeded: 0, failed: 0 }
const totals = { succeeded: 4, failed: 2, canceled: 1 }
const facts: SharedConditionFacts = {
  ...{ state: 'running', works: true, concurrency: 4, running: 0, stuck: 0, totals, counts, failure: undefined }
}

describe('the state line of a shared pool', () => {
  it.each<[string, Partial<SharedConditionFacts>, string, string]>([
    ['connecting', { counts: undefined }, 'off', 'the store is being read'],
    ['healthy', {}, 'good', '1 task running, 0 queued in all processes'],
    [
      'healthy',
      { works: false, running: 4, counts: { ...counts, running: 9, queued: 7, delayed: 2 } },
      'good',
      '9 tasks running, 7 queued in all processes, 2 to be started later'
    ],
    [
      'busy',
      { running: 4, counts: { ...counts, running: 9 } },
      'busy',
      'all 4 workers of this process are occupied, 9 tasks running, 0 queued in all processes'
    ],
    [
      'busy',
      { running: 1, concurrency: 1 },
      'busy',
      'the worker of this process is occupied, 1 task running, 0 queued in all processes'
    ],
    [
      'stuck',
      { running: 4, stuck: 2 },
      'bad',
      '2 tasks ignore their timeout or cancel and hold 2 of 4 workers of this process'
    ],
    [
      'the store is not reached',
      { stuck: 1, failure: 'No answer.' },
      'bad',
      'figures of all processes are old, trying again. No answer.'
    ],
    [
      'the store is not reached',
      { counts: undefined, failure: 'No answer.' },
      'bad',
      'figures of all processes are not known, trying again. No answer.'
    ],
    [
      'stopping',
      { state: 'stopping', running: 1, failure: 'No answer.' },
      'warning',
      'this process takes no more tasks, 1 task to go here'
    ],
    [
      'stopped',
      { state: 'stopped', failure: 'No answer.' },
      'off',
      '7 tasks ended in this process, other processes are no longer shown'
    ]
  ])('is "%s" for %o', (name, differences, tone, detail) => {
    expect(sharedConditionOf({ ...facts, ...differences })).toEqual({ name, tone, detail })
  })
})
