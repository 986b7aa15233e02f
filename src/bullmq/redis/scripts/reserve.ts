import { READ } from './task-fields.js'

/**
 * The bound in one step: a place is promised if what waits and what was promised leave one. The real lists are counted, so that
 * nothing has to be reconciled after a crash: a promise that nobody has kept lapses, and until then the pool refuses too early.
 */
export const RESERVE = `${READ}
-- KEYS: job, lock, reserved, wait, paused, prioritized, delayed, active
-- ARGV: job id, capacity (-1: none), time in ms after which a promise lapses
if redis.call('EXISTS', KEYS[1]) == 1 then return {'taken', read(KEYS[1], KEYS[2])} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[3])
local queued = redis.call('ZCARD', KEYS[3])
  + redis.call('LLEN', KEYS[4]) + redis.call('LLEN', KEYS[5])
  + redis.call('ZCARD', KEYS[6]) + redis.call('ZCARD', KEYS[7])
local capacity = tonumber(ARGV[2])
local full = capacity >= 0 and queued >= capacity
if not full then redis.call('ZADD', KEYS[3], now, ARGV[1]) end
return {full and 'full' or 'reserved', queued, redis.call('LLEN', KEYS[8])}`

/** What waits, what is delayed, what runs, and what is kept of the ended tasks. */
export const COUNT = `
-- KEYS: wait, paused, prioritized, delayed, active, completed, failed
return {
  redis.call('LLEN', KEYS[1]) + redis.call('LLEN', KEYS[2]) + redis.call('ZCARD', KEYS[3]),
  redis.call('ZCARD', KEYS[4]), redis.call('LLEN', KEYS[5]),
  redis.call('ZCARD', KEYS[6]), redis.call('ZCARD', KEYS[7])
}`
