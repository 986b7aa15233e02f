import { describe, expect, it } from 'vitest'
import { textsWithValuesOf } from '../../../src/http/intake/sent-values.js'

const found = (body: Parameters<typeof textsWithValuesOf>[0], ...texts: string[]) => [...textsWithValuesOf(body, texts)]

describe('the texts that repeat a value of a body', () => {
  it('are all that do, and no others', () => {
    const texts = ['expected "4711-secret" to be a date', 'must be a date', 'got 4711-SECRET']
    expect(found({ pin: ['4711-secret'] }, ...texts)).toEqual([texts[0], texts[2]])
    expect(found({ pin: 'something else' }, ...texts)).toEqual([])
    expect(found({ secret: true }, ...texts)).toEqual([])
  })

  it('are found by a value without the blanks around it', () => {
    expect(found('  4711  ', 'the pin 4711 is wrong')).toHaveLength(1)
  })

  it('are found by four characters of a short value, and eight in a row of a long one', () => {
    expect(found(4711, 'the pin 4711 is wrong')).toHaveLength(1)
    expect(found(471, 'the pin 471 is wrong')).toEqual([])
    expect(found('abcdefghij', 'it begins with abcdefgh')).toHaveLength(1)
    expect(found('abcdefghij', 'it begins with abcdefg')).toEqual([])
  })
})
