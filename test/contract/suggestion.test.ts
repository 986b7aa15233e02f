import { WorkerPool } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { suggestion } from '../../src/contract/suggestion.js'

const OPTIONS = ['concurrency', 'queueCapacity', 'name', 'retry', 'rateLimit']

describe('an unknown word', () => {
  it.each([
    ['queueCapcity', 'queueCapacity'],
    ['queuecapacity', 'queueCapacity'],
    ['queueCapacityy', 'queueCapacity'],
    ['conucrrency', 'concurrency'],
    ['ratelimt', 'rateLimit'],
    ['nmae', 'name'],
    ['retyr', 'retry']
  ])('%s leads to %s', (word, known) => {
    expect(suggestion(word, OPTIONS)).toBe(`; did you mean \`${known}\`?`)
  })

  it.each(['workers', 'timeout', '', 'x', 'constructor', `concurrency${'y'.repeat(100)}`])(
    '%s leads to nothing',
    (word) => {
      expect(suggestion(word, OPTIONS)).toBe('')
    }
  )

  it('leads to no word that is longer than 40 letters', () => {
    const long = 'a'.repeat(41)
    expect(suggestion('a'.repeat(40), [long])).toBe('')
    expect(suggestion('a'.repeat(40), [long.slice(1)])).toContain(long.slice(1))
  })

  it('gets its suggestion for options, events, handlers and words', () => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, handlers: { resize: () => 1 } })
    const calls: [() => unknown, string][] = [
      [() => new WorkerPool({ concurrency: 1, queueCapcity: 1 } as never), 'queueCapacity'],
      [() => pool.on('setled' as never, () => {}), 'settled'],
      [() => pool.queueTask('resise' as never), 'resize'],
      [() => pool.queueTask(() => 1, { onDuplicate: 'joni' } as never), 'join'],
      [() => pool.tasks({ state: 'quequed' } as never), 'queued']
    ]
    for (const [call, word] of calls) expect(call).toThrow(`did you mean \`${word}\`?`)
    expect(() => pool.on('data' as never, () => {})).not.toThrow('did you mean')
  })
})
