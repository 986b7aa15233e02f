import type { PoolEventName } from '../../src/index.js'

/** All events. */
export const EVENTS = [
  'queued',
  'started',
  'retrying',
  'snoozed',
  'progress',
  'succeeded',
  'failed',
  'canceled',
  'settled',
  'stuck',
  'refused',
  'idle',
  'stopping',
  'stopped',
  'store'
] as const satisfies readonly PoolEventName[]
