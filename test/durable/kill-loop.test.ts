import { describe, expect, it } from 'vitest'
import { killLoop } from './kill-loop.js'

const SEEDS = 80

describe('processes that are killed at any commit, on stores that are slow and fail', () => {
  it('lose nothing that was acknowledged, end nothing twice, and show nothing that is not on disk', async () => {
    const totals = { acknowledged: 0, ends: 0, givenUp: 0, calls: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { mistakes, seen } = await killLoop(seed)
      expect({ seed, mistakes }).toEqual({ seed, mistakes: [] })
      totals.acknowledged += seen.acknowledged.size
      totals.ends += seen.ends.size
      totals.givenUp += seen.givenUp.size
      totals.calls += seen.calls.size
    }
    // It would prove nothing if little had happened.
    expect(totals.acknowledged).toBeGreaterThan(5 * SEEDS)
    expect(totals.ends).toBeGreaterThan(5 * SEEDS)
    expect(totals.calls).toBeGreaterThan(3 * SEEDS)
    expect(totals.givenUp).toBeGreaterThan(SEEDS / 10)
  })
})
