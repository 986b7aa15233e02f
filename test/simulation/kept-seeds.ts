import { type Plan, SELF_WAITING, type Setup, type TaskPlan } from './plan.js'

/** Seeds that found something once, and what it was. They are run for ever. */
export const KEPT_SEEDS: readonly (readonly [seed: number, found: string])[] = [
  [293, 'a waiter that joined the line while the rate was spent was never woken by the rate'],
  [768, 'the same, with room in the pool and a free worker'],
  [333, 'a waiter that left when the timers were late cleared the timer of the rate'],
  [1854, 'a waiter that left handed on its turn before it was counted as refused'],
  [8999, 'the same, at the limit of its wait'],
  [9349, 'the same, at a stop with grace'],
  [10266, 'the same, with the loop blocked'],
  [46188, 'an id was judged before a late start let a waiter with the same id in'],
  [278807, 'a promise asked for earlier was lost when a listener asked again before it was answered'],
  [315563, 'a listener of `stopping` ended the grace, and a pause that ended with the stop let tasks start after it'],
  [889316, 'a wait for room that ended late let others start before a late retry was put back'],
  [818725, 'a late limit of the queue took a worker from a task that was not called yet']
]

const hangs: TaskPlan = { attempts: ['waits and honours abort'], lazy: false, progress: false, inside: [] }

const setup: Setup = {
  concurrency: 2,
  queueCapacity: 1,
  retention: { count: 1_000, ms: Number.POSITIVE_INFINITY },
  stuckAfterMs: 10,
  started: true,
  quiet: false,
  throwing: [],
  rejecting: []
}

/** Plans that were found by thinking or made smaller, since few seeds come by them; and the end that comes up in them. */
export const KEPT_PLANS: readonly (readonly [found: string, end: string, plan: Plan])[] = [
  [
    'a head of the line that its key held back left, and did not let the next one in',
    'a place for a waiter',
    {
      seed: 0,
      setup: { ...setup, waiterCapacity: 5, perKey: { concurrency: 1 } },
      operations: [
        { do: 'queue', task: { ...hangs, key: 'a' }, asks: false, upTo: 'turn' },
        { do: 'queue', task: { ...hangs, key: 'a' }, asks: false, upTo: 'turn' },
        { do: 'wait', task: { ...hangs, key: 'a' }, asks: false, waitSignal: 0, upTo: 'turn' },
        { do: 'wait', task: hangs, asks: false, upTo: 'turn' },
        { do: 'abort', signal: 0, upTo: 'turn' }
      ],
      reactions: []
    }
  ],
  [
    'a wait that a failed attempt left behind was taken for one of the next attempt',
    'a place for a waiter',
    {
      seed: 0,
      setup: { ...setup, queueCapacity: 0, waiterCapacity: 1, detectSelfWait: true },
      operations: [
        {
          do: 'queue',
          task: {
            ...hangs,
            attempts: ['rejects', 'waits and honours abort'],
            inside: [{ do: 'wait', task: hangs, asks: false }],
            retry: { attempts: 2, backoff: 'as it is', backoffMs: 1, when: 'always' }
          },
          asks: false,
          upTo: 'nothing'
        },
        { do: 'queue', task: hangs, asks: false, upTo: 'turn' },
        { do: 'advance', ms: 1, upTo: 'turn' },
        { do: 'resize', concurrency: 1, upTo: 'turn' },
        { do: 'end', target: 't2', well: true, upTo: 'turn' },
        { do: 'end', target: 't1', well: true, upTo: 'turn' }
      ],
      reactions: []
    }
  ],
  [
    'a task that waited for room for its own key was not told so while the rate was open',
    'a wait for itself',
    {
      seed: 0,
      setup: {
        ...setup,
        queueCapacity: 0,
        rateLimit: { starts: 2, intervalMs: 10 },
        perKey: { concurrency: 1 },
        detectSelfWait: true
      },
      operations: [
        {
          do: 'queue',
          task: {
            ...hangs,
            attempts: [SELF_WAITING],
            inside: [{ do: 'wait', task: { ...hangs, key: 'a' }, asks: false }],
            key: 'a'
          },
          asks: false,
          upTo: 'turn'
        }
      ],
      reactions: []
    }
  ]
]
