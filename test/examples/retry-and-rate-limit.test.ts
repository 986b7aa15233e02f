import { TaskTimeoutError } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { HttpError, mayPass, retryAndRateLimit } from '../../examples/retry-and-rate-limit.js'
import { play, runExample, timesOf } from './play.js'

describe('the example of retries and a rate limit', () => {
  it('tries again what may pass, after a pause, and fails at once what will not pass', async () => {
    expect(await play(retryAndRateLimit)).toEqual([
      [0, '/orders attempt 1'],
      [0, '/stock attempt 1'],
      [0, '/typo attempt 1'],
      [10, '/orders again in 50 ms: status 503'],
      [10, '/typo failed'],
      [80, '/stock again in 50 ms: too slow'],
      [300, '/users attempt 1'],
      [300, '/orders attempt 2'],
      [300, '/stock attempt 2'],
      [310, '/users succeeded'],
      [310, '/orders again in 100 ms: status 503'],
      [310, '/stock succeeded'],
      [600, '/orders attempt 3'],
      [610, '/orders succeeded'],
      [610, '7 calls, 3 of them again']
    ])
  })

  it('starts no more than three attempts in any 300 ms, retries included', async () => {
    const starts = timesOf(await play(retryAndRateLimit), / attempt \d$/)
    expect(starts).toHaveLength(7)
    for (const [index, at] of starts.slice(3).entries()) expect(at - starts[index]!).toBeGreaterThanOrEqual(300)
  })

  it('counts timeouts, 429 and 5xx among what may pass, and nothing else', () => {
    const statuses = [400, 404, 429, 500, 503]
    expect(statuses.filter((status) => mayPass(new HttpError(status)))).toEqual([429, 500, 503])
    expect(mayPass(new TaskTimeoutError('a ticket', 80))).toBe(true)
    expect([new Error('a bug of ours'), { status: 503 }, undefined].filter(mayPass)).toEqual([])
  })

  it('brings each task to one end in real time, whatever is slow, and ends by itself', async () => {
    const printed = await runExample('retry-and-rate-limit')
    const matching = (pattern: RegExp): readonly string[] => printed.filter((line) => pattern.test(line))
    const [starts, again] = [matching(/ attempt \d$/).length, matching(/ again in \d+ ms: /).length]
    const ends = matching(/^\/\w+ (succeeded|failed)$/).map((line) => line.split(' ')[0])
    expect(ends.sort()).toEqual(['/orders', '/stock', '/typo', '/users'])
    expect(starts).toBe(ends.length + again)
    expect(printed.at(-1)).toBe(`${starts} calls, ${again} of them again`)
    expect(printed).toHaveLength(starts + again + ends.length + 1)
  })
})
