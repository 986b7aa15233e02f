import { describe, expect, it } from 'vitest'
import { adaptiveConcurrency, loopUtilization, nextConcurrency } from '../../examples/recipes/adaptive-concurrency.js'
import { batch } from '../../examples/recipes/batch.js'
import { debounce } from '../../examples/recipes/debounce.js'
import { holdAt429 } from '../../examples/recipes/hold-at-429.js'
import { replaceStuckWorker } from '../../examples/recipes/replace-stuck-worker.js'
import { uploadsByWeight } from '../../examples/recipes/uploads-by-weight.js'
import { linesOf, play, runExample } from './play.js'

describe('the recipes', () => {
  it('debounce by key: the last change of each document is indexed once, 200 ms after it', async () => {
    expect(await play(debounce)).toEqual([
      [300, 'b: index version 1'],
      [400, 'a: index version 3'],
      [400, '2 indexed, 2 saved']
    ])
  })

  it('hold everybody at a 429: nothing starts until then, and no task fails', async () => {
    expect(await play(holdAt429)).toEqual([
      [10, 'a: 200'],
      [20, 'b: 200'],
      [30, 'c: 429'],
      [340, 'd: 200'],
      [350, 'c: 200'],
      [350, '5 calls, 1 snoozed, 0 failed']
    ])
  })

  it('a batch reports its progress and has one result for all of its parts', async () => {
    expect(await play(batch)).toEqual([
      [100, 'running: 1 of 4'],
      [100, 'running: 2 of 4'],
      [200, 'running: 3 of 4'],
      [200, 'succeeded: 4 of 4, {"files":4,"failed":1}']
    ])
  })

  it('uploads by weight: bytes are bounded, and given back', async () => {
    expect(await play(uploadsByWeight)).toEqual([
      [0, 'film: 202, 80 of 100 MB held'],
      [0, 'photo: 202, 100 of 100 MB held'],
      [0, 'note: 503, 100 MB held'],
      [0, 'archive: 413, larger than all the memory for uploads'],
      [30, 'note: 202, 80.000001 of 100 MB held'],
      [80, '0 bytes held at the end']
    ])
  })

  it('a worker that never ends is replaced, and the spare one taken back', async () => {
    expect(await play(replaceStuckWorker)).toEqual([
      [200, 'deaf is stuck: 2 workers'],
      [200, 'next has succeeded'],
      [500, 'deaf has succeeded'],
      [500, '1 worker again']
    ])
  })

  it('adaptive concurrency follows the utilisation of the event loop', async () => {
    const readings = [0.2, 0.5, 0.95, 0.8, 0.1]
    const said = await play((stage) => adaptiveConcurrency(stage, () => readings.shift() ?? 0))
    expect(linesOf(said).map((line) => /(\d+) workers/.exec(line)?.[1])).toEqual(['5', '6', '3', '3', '4'])
    expect([nextConcurrency(1, 1, 4), nextConcurrency(4, 0, 4)]).toEqual([1, 4])
    const utilization = loopUtilization()()
    expect(utilization >= 0 && utilization <= 1).toBe(true)
  })

  it.each(['debounce', 'hold-at-429', 'batch', 'uploads-by-weight', 'replace-stuck-worker', 'adaptive-concurrency'])(
    '%s runs in real time and ends by itself',
    async (name) => {
      expect((await runExample(`recipes/${name}`)).length).toBeGreaterThan(1)
    },
    30_000
  )
})
