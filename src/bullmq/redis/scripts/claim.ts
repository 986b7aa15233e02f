/** Ends the script unless the claim still holds the task: a late write on a task that was removed would make it again. */
const FENCED = `
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('GET', KEYS[2]) ~= ARGV[1] then return LOST end`

const fenced = (lost: string): string => FENCED.replace('LOST', lost)

/**
 * A claim begins its call, or learns why it must not. A call of another claim that is still open was cut short by the end of
 * its process. One of this claim is open when the answer of Redis was lost and the script is sent again. A worker that has lost
 * its lease may claim the task again with the same token: BullMQ's count of claims tells the two apart.
 */
export const BEGIN = `
-- KEYS: job, lock
-- ARGV: token, now, '1' if the handler may be called again, channel of changes
${fenced("{'lost'}")}
local claim = ARGV[1] .. ' ' .. redis.call('HGET', KEYS[1], 'ats')
local open = redis.call('HGET', KEYS[1], 'open')
if open ~= claim then
  if redis.call('HEXISTS', KEYS[1], 'cancelAt') == 1 then
    return {'canceled', redis.call('HGET', KEYS[1], 'cancelWhy')}
  end
  if open and ARGV[3] == '0' then return {'interrupted'} end
  redis.call('HINCRBY', KEYS[1], 'calls', 1)
  redis.call('HINCRBY', KEYS[1], 'rev', 1)
  redis.call('HSET', KEYS[1], 'open', claim)
  redis.call('HSETNX', KEYS[1], 'startedAt', ARGV[2])
  redis.call('HDEL', KEYS[1], 'progress', 'end')
  redis.call('PUBLISH', ARGV[4], '')
end
return {'begun', redis.call('HGET', KEYS[1], 'calls'), redis.call('HGET', KEYS[1], 'failures') or '0'}`

/** The call has ended and another one follows, here or elsewhere: the counters as they shall be. */
export const LEAVE = `
-- KEYS: job, lock
-- ARGV: token, calls, failures, channel of changes
${fenced('0')}
redis.call('HSET', KEYS[1], 'calls', ARGV[2], 'failures', ARGV[3])
redis.call('HDEL', KEYS[1], 'open', 'progress')
redis.call('HINCRBY', KEYS[1], 'rev', 1)
redis.call('PUBLISH', ARGV[4], '')
return 1`

/** How the task ends. It has ended when BullMQ has settled it, which follows. */
export const END = `
-- KEYS: job, lock
-- ARGV: token, the end
${fenced('0')}
redis.call('HSET', KEYS[1], 'end', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'rev', 1)
return 1`

/** Progress of the call. */
export const PROGRESS = `
-- KEYS: job, lock
-- ARGV: token, the progress, channel of changes
${fenced('0')}
redis.call('HSET', KEYS[1], 'progress', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'rev', 1)
redis.call('PUBLISH', ARGV[3], '')
return 1`
