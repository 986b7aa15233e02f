import { describe, expect, it } from 'vitest'
import { counter, producer } from '../../examples/wait-for-room.js'
import { linesOf, play, runExample } from './play.js'

describe('the example of waiting for room', () => {
  it('slows a producer to the pace of the pool, with never more than its bound in hand', async () => {
    expect(await play(producer)).toEqual([
      [0, 'page 1 is handed over: 1 running, 0 queued'],
      [0, 'page 2 is handed over: 2 running, 0 queued'],
      [0, 'page 3 is handed over: 2 running, 1 queued'],
      [0, 'page 4 is handed over: 2 running, 2 queued'],
      [100, 'page 5 is handed over: 2 running, 2 queued'],
      [100, 'page 6 is handed over: 2 running, 2 queued'],
      [200, 'page 7 is handed over: 2 running, 2 queued'],
      [200, 'page 8 is handed over: 2 running, 2 queued'],
      [400, 'all pages are done']
    ])
  })

  it('gives a freed place to the head of the line, past those who gave up or left, and refuses at once when the line is full', async () => {
    expect(await play(counter)).toEqual([
      [0, 'ann: 202'],
      [0, 'bob: 202'],
      [0, 'fay: 503 at once, the line is full'],
      [20, 'dan, who closes the page: has left, nothing was queued'],
      [50, 'cyd, who waits up to 50 ms: 503 after 50 ms in the line'],
      [100, 'eve: 202'],
      [300, 'WorkerPool: running 0/1, queued 0/1, 3 succeeded, 0 failed, 3 refused']
    ])
  })

  it('hands over each page and answers each request in real time, whatever is slow, and ends by itself', async () => {
    const said = (line: string): string | undefined => /^(page \d|all pages|[a-z]{3}(?=[,:]))/.exec(line)?.[0]
    const [pages, requests] = [linesOf(await play(producer)).map(said), linesOf(await play(counter)).map(said)]
    const printed = await runExample('wait-for-room')
    expect(printed.slice(0, pages.length).map(said)).toEqual(pages)
    expect(printed.slice(pages.length).map(said).sort()).toEqual(requests.sort())
    const [, succeeded, refused] =
      /^WorkerPool: running 0\/1, queued 0\/1, (\d) succeeded, 0 failed, (\d) refused$/.exec(printed.at(-1) ?? '') ?? []
    expect(Number(succeeded) + Number(refused)).toBe(6)
  })
})
