/** The most tasks that one cancel forgets: more than one comes in, so that they become fewer. */
const MANY = 100

/**
 * A cancel in one step. A task that is in none of the lists runs, or is about to: the mark is seen when it begins, on the
 * message, or at the next look of its worker. It forgets ended tasks as BullMQ does when it settles one.
 */
export const CANCEL = `
-- KEYS: job, wait, paused, prioritized, delayed, failed
-- ARGV: job id, now, the end, the reason ('': none), channel of changes, channel of cancels, id,
--   how many ended tasks are kept, and from when on, what the jobs' names begin with
local function forget(ids)
  for _, id in ipairs(ids) do
    redis.call('DEL', ARGV[10] .. id)
    redis.call('ZREM', KEYS[6], id)
  end
end
if redis.call('EXISTS', KEYS[1]) == 0 then return 'unknown' end
if redis.call('HEXISTS', KEYS[1], 'finishedOn') == 1 then return 'finished' end
if redis.call('HSETNX', KEYS[1], 'cancelAt', ARGV[2]) == 1 then
  redis.call('HSET', KEYS[1], 'cancelWhy', ARGV[4])
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
end
local removed = redis.call('LREM', KEYS[2], 1, ARGV[1]) + redis.call('LREM', KEYS[3], 1, ARGV[1])
  + redis.call('ZREM', KEYS[4], ARGV[1]) + redis.call('ZREM', KEYS[5], ARGV[1])
if removed > 0 then
  redis.call('HSET', KEYS[1], 'end', ARGV[3], 'finishedOn', ARGV[2], 'failedReason', 'canceled')
  redis.call('ZADD', KEYS[6], ARGV[2], ARGV[1])
  forget(redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', '(' .. ARGV[9], 'LIMIT', 0, ${MANY}))
  local excess = redis.call('ZCARD', KEYS[6]) - tonumber(ARGV[8])
  if excess > 0 then forget(redis.call('ZRANGE', KEYS[6], 0, math.min(excess, ${MANY}) - 1)) end
end
redis.call('PUBLISH', ARGV[5], '')
if removed > 0 then return 'canceled' end
redis.call('PUBLISH', ARGV[6], ARGV[7])
return 'requested'`

/** Which of the tasks were asked to end: their reasons, or nil. */
export const LOOK = `
-- KEYS: jobs
local why = {}
for index, job in ipairs(KEYS) do why[index] = redis.call('HGET', job, 'cancelWhy') end
return why`
