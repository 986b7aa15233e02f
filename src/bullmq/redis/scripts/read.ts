import { READ } from './task-fields.js'

/** Reads a task in one step: what BullMQ's `getJob` and `getState` read one after the other may not belong together. */
export const READ_TASK = `${READ}
-- KEYS: job, lock
return read(KEYS[1], KEYS[2])`

/** The task is in the queue: gives its reservation back, and reads it. */
export const CONFIRM = `${READ}
-- KEYS: job, lock, reserved
-- ARGV: job id
redis.call('ZREM', KEYS[3], ARGV[1])
return read(KEYS[1], KEYS[2])`
