import { expect, it } from 'vitest'
import { runExample } from './play.js'

it('CPU work: requests are answered meanwhile, and the program ends by itself', async () => {
  const task = ': 8 tasks in \\d+ ms, each of which found 41538 primes'
  const requests = '  \\d+ requests meanwhile: half of them within [\\d.]+ ms, all within [\\d.]+ ms'
  const expected = [`on the event loop${task}`, requests, `on two threads${task}`, requests]
  const lines = await runExample('cpu-work')
  expect(lines).toEqual(expected.map((line) => expect.stringMatching(new RegExp(`^${line}$`))))
})
