import { describe, expect, it } from 'vitest'
import { fairPerUser } from '../../examples/fair-per-user.js'
import { linesOf, play, runExample } from './play.js'

const accepted = [
  ...['ned-1', 'ned-2', 'ned-3', 'ned-4'],
  ...['ada-1', 'ada-2', 'ben-1'],
  ...['guest-1', 'guest-2', 'guest-3', 'guest-4', 'guest-5']
]

describe('the example of fairness per user', () => {
  it('refuses the noisy user with 429 beyond the share of a key, and everybody with 503 beyond the bound of the pool', async () => {
    const said = linesOf(await play(fairPerUser))
    expect(said.filter((line) => line.endsWith(': 202'))).toEqual(accepted.map((picture) => `${picture}: 202`))
    expect(said.filter((line) => /: (429|503)/.test(line))).toEqual([
      'ned-5: 429, retry after 1 s',
      'ned-6: 429, retry after 1 s',
      'guest-6: 503, retry after 1 s',
      'guest-7: 503, retry after 1 s'
    ])
  })

  it('lets users take turns, so that those who came last start before the rest of what the noisy one queued first', async () => {
    const starts = (await play(fairPerUser))
      .filter(([, line]) => line.endsWith(' starts'))
      .map(([ms, line]) => [ms, line.trim().replace(' starts', '')])
    expect(starts).toEqual([
      [0, 'ned-1'],
      [0, 'ada-1'],
      [100, 'ned-2'],
      [100, 'ada-2'],
      [200, 'ben-1'],
      [200, 'guest-1'],
      [300, 'guest-2'],
      [300, 'guest-3'],
      [400, 'guest-4'],
      [400, 'guest-5'],
      [500, 'ned-3'],
      [600, 'ned-4'] // not at 500, although a worker is free: one at a time for each user
    ])
  })

  it('prints the same in real time and ends by itself', async () => {
    const printed = await runExample('fair-per-user')
    expect(printed).toEqual(linesOf(await play(fairPerUser)))
    expect(printed.at(-1)).toBe('WorkerPool: running 0/2, queued 0/10, 12 succeeded, 0 failed, 4 refused')
  })
})
