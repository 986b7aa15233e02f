import { expect, it } from 'vitest'
import { newAudit } from './audit.js'
import { killLoop } from './kill-loop.js'

it.each([true, false])(
  'a process that is killed under load loses nothing it has acknowledged (thread: %s)',
  async (thread) => {
    const { wrongs, seen, examples } = await killLoop({ cycles: 10, thread })
    expect(wrongs, examples.join('\n')).toEqual(newAudit().wrongs)
    expect(seen.acknowledged).toBeGreaterThan(50)
    expect(seen.ended).toBeGreaterThan(50)
  }
)

it('a store that acknowledges before the commit is found', async () => {
  // A kill must fall between the two: one file after the other, until one does.
  let wrong = 0
  for (let files = 0; wrong === 0 && files < 20; files++) {
    const { wrongs } = await killLoop({ cycles: 5, thread: true, planted: true })
    wrong = Object.values(wrongs).reduce((sum, figure) => sum + figure, 0)
  }
  expect(wrong).toBeGreaterThan(0)
})
