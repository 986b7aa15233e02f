import { describe, expect, it } from 'vitest'
import { type ConditionFacts, conditionOf } from '../../src/dashboard/condition.js'

const totals = {
  submitted: 0,
  refused: 0,
  accepted: 0,
  started: 0,
  retried: 0,
  snoozed: 0,
  succeeded: 0,
  failed: 0,
  canceled: 0
}

const facts: ConditionFacts = {
  ...{ state: 'running', paused: false, concurrency: 4, queueCapacity: 10, running: 0, queued: 0, delayed: 0 },
  ...{ waiting: 0, stuck: 0, totals, refusedLately: 0 }
}
const full = { running: 4, queued: 10 }

describe('the state line of the dashboard', () => {
  it.each<[string, Partial<ConditionFacts>, string, string]>([
    ['healthy', {}, 'good', 'nothing is running'],
    ['healthy', { running: 3 }, 'good', '3 of 4 workers occupied'],
    [
      'healthy',
      { concurrency: 1, queued: 1, delayed: 2 },
      'good',
      'nothing is running, 1 task queued, 2 to be started later'
    ],
    ['busy', { running: 4 }, 'busy', 'all 4 workers are occupied, 0 tasks queued'],
    ['busy', { concurrency: 1, running: 1, queued: 9 }, 'busy', 'the worker is occupied, 9 tasks queued'],
    [
      'busy',
      { ...full, queueCapacity: Number.POSITIVE_INFINITY },
      'busy',
      'all 4 workers are occupied, 10 tasks queued'
    ],
    ['full', full, 'warning', '10 tasks queued, the next task is refused'],
    ['full', { running: 4, queued: 4, delayed: 6, waiting: 1 }, 'warning', '4 tasks queued, 1 caller waiting for room'],
    ['full and refusing', { ...full, refusedLately: 7 }, 'bad', 'no room for another task, 7 refused in the last 10 s'],
    [
      'refusing',
      { running: 4, queued: 9, refusedLately: 7 },
      'warning',
      'there is room now, 7 refused in the last 10 s'
    ],
    ['stuck', { running: 1, stuck: 1 }, 'bad', '1 task ignores its timeout or cancel and holds 1 of 4 workers'],
    [
      'stuck',
      { ...full, stuck: 2, refusedLately: 1 },
      'bad',
      '2 tasks ignore their timeout or cancel and hold 2 of 4 workers, 1 refused in the last 10 s'
    ],
    ['paused', { paused: true, stuck: 1, queued: 3 }, 'warning', '3 tasks queued, none starts'],
    ['not started', { state: 'created', queued: 3 }, 'warning', '3 tasks queued, none starts yet'],
    [
      'stopping',
      { ...full, state: 'stopping', stuck: 1, paused: true },
      'warning',
      'no new work is accepted, 14 tasks to go'
    ],
    ['stopping', { state: 'stopping', running: 1 }, 'warning', 'no new work is accepted, 1 task to go'],
    [
      'stopped',
      { state: 'stopped', totals: { ...totals, accepted: 7, succeeded: 4, failed: 2, canceled: 1 } },
      'off',
      '7 of 7 accepted tasks ended'
    ]
  ])('is "%s" for %o', (name, differences, tone, detail) => {
    expect(conditionOf({ ...facts, ...differences })).toEqual({ name, tone, detail })
  })
})
