import { snooze } from 'coatcheck'
import { describe, expect, it } from 'vitest'
import { snoozeOf } from '../../src/contract/snooze.js'
import { revived, thrownOf } from '../../src/threads/thrown.js'

/** A value as it arrives on the other side. */
const sent = (value: unknown): unknown => revived(structuredClone(thrownOf(value)))

describe('a thrown value between threads', () => {
  it('keeps of an error what programs and people read', () => {
    const error = Object.assign(new RangeError('too large', { cause: 'a text' }), { code: 7, expose: false, other: {} })
    const copy = sent(error) as Error
    expect(copy).toMatchObject({ name: 'RangeError', message: 'too large', code: 7, expose: false, cause: 'a text' })
    expect(copy.stack).toBe(error.stack)
    expect(Object.keys(copy)).toEqual(['code', 'expose'])
  })

  it('adds nothing to an error that has little', () => {
    const copy = sent(new Error('plain')) as Error
    expect(Object.keys(copy)).toEqual([])
    expect('cause' in copy).toBe(false)
  })

  it('may be of any class, and hostile', () => {
    const hostile = {
      message: 'hostile',
      name: Symbol('name'),
      code: () => {},
      get stack() {
        throw new Error('no stack')
      }
    }
    expect(sent(hostile)).toMatchObject({ message: 'hostile', name: undefined, stack: undefined })
  })

  it('has causes to a limit, and so also a circle of them', () => {
    const error = new Error('circle')
    error.cause = error
    let depth = 0
    for (let at = sent(error) as Error | undefined; at !== undefined; at = at.cause as Error | undefined) depth += 1
    expect(depth).toBe(9)
  })

  it('stays as it is if it is no error, or becomes its text if it cannot be copied', () => {
    expect(sent({ status: 404 })).toEqual({ status: 404 })
    expect(sent(undefined)).toBeUndefined()
    expect(sent(Symbol('mine'))).toBe('Symbol(mine)')
  })

  it('may be a snooze', () => {
    expect(snoozeOf(sent(snooze(250)))).toBe(250)
  })
})
