import { READ } from './task-fields.js'

/** Reads a task in one step: what BullMQ's `getJob` and `getState` read one after the other may not belong together. */
export const READ_TASK = `${READ}
-- KEYS: job, lock
return read(KEYS[1], KEYS[2])`
