import { READ } from './task-fields.js'

/**
 * The verdict on a new task, before BullMQ's own script adds it: both are one step. What waits is counted in the real lists, so
 * that nothing has to be reconciled after a crash. What is returned here, instead of an id, ends the script.
 *
 * @param capacity - the most that may wait; `Infinity` for no bound
 */
export function admitted(capacity: number, lua: string): string {
  return `
do ${READ}
local args = cmsgpack.unpack(ARGV[1]) -- what all jobs' names begin with, then the job's id
local all, job = args[1], args[1] .. args[2]
if redis.call('EXISTS', job) == 1 then return {'taken', read(job, job .. ':lock')} end
local queued = redis.call('LLEN', all .. 'wait') + redis.call('LLEN', all .. 'paused')
  + redis.call('ZCARD', all .. 'prioritized') + redis.call('ZCARD', all .. 'delayed')
if queued >= ${Number.isFinite(capacity) ? capacity : 'math.huge'} then
  return {'full', queued, redis.call('LLEN', all .. 'active')}
end
end
${lua}`
}

/** What waits, what is delayed, what runs, and what is kept of the ended tasks. */
export const COUNT = `
-- KEYS: wait, paused, prioritized, delayed, active, completed, failed
return {
  redis.call('LLEN', KEYS[1]) + redis.call('LLEN', KEYS[2]) + redis.call('ZCARD', KEYS[3]),
  redis.call('ZCARD', KEYS[4]), redis.call('LLEN', KEYS[5]),
  redis.call('ZCARD', KEYS[6]), redis.call('ZCARD', KEYS[7])
}`
