import { describe, expect, it } from 'vitest'
import { producer, requests } from '../../examples/wait-for-room.js'
import { linesOf, play, runExample } from './play.js'

describe('the example of waiting for room', () => {
  it('slows a producer to the pace of the pool, with never more accepted than its bounds', async () => {
    expect(await play(producer)).toEqual([
      [0, 'page 1 is accepted: 1 running, 0 queued'],
      [0, 'page 2 is accepted: 2 running, 0 queued'],
      [0, 'page 3 is accepted: 2 running, 1 queued'],
      [0, 'page 4 is accepted: 2 running, 2 queued'],
      [100, 'page 5 is accepted: 2 running, 2 queued'],
      [100, 'page 6 is accepted: 2 running, 2 queued'],
      [200, 'page 7 is accepted: 2 running, 2 queued'],
      [200, 'page 8 is accepted: 2 running, 2 queued'],
      [400, 'all pages are done']
    ])
  })

  it('gives a freed place to the first waiter that has not left, and refuses at once when the waiter list is full', async () => {
    expect(await play(requests)).toEqual([
      [0, 'ann: 202'],
      [0, 'bob: 202'],
      [0, 'fay: 503 at once, the waiter list is full'],
      [20, 'dan, who closes the page: disconnected, nothing was queued'],
      [50, 'cyd, who waits up to 50 ms: 503 after a wait of 50 ms'],
      [100, 'eve: 202'],
      [300, 'WorkerPool: running 0/1, queued 0/1, 3 succeeded, 0 failed, 3 refused']
    ])
  })

  it('accepts each page and answers each request in real time, whatever is slow, and ends by itself', async () => {
    const said = (line: string): string | undefined => /^(page \d|all pages|[a-z]{3}(?=[,:]))/.exec(line)?.[0]
    const [pages, answers] = [linesOf(await play(producer)).map(said), linesOf(await play(requests)).map(said)]
    const printed = await runExample('wait-for-room')
    expect(printed.slice(0, pages.length).map(said)).toEqual(pages)
    expect(printed.slice(pages.length).map(said).sort()).toEqual(answers.sort())
    const [, succeeded, refused] =
      /^WorkerPool: running 0\/1, queued 0\/1, (\d) succeeded, 0 failed, (\d) refused$/.exec(printed.at(-1) ?? '') ?? []
    expect(Number(succeeded) + Number(refused)).toBe(6)
  })
})
