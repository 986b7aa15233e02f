import { invalidField, RequestError, replyWith } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'

describe('a reply', () => {
  it('of an error is not cached, and any other is revalidated', () => {
    const caching = (status: number): string | undefined => replyWith(status).headers['Cache-Control']
    expect([200, 202, 304, 399].map(caching)).toEqual(Array(4).fill('private, no-cache'))
    expect([400, 404, 503].map(caching)).toEqual(Array(3).fill('no-store'))
  })

  it('has its content type and its length in bytes; without a body neither', () => {
    expect(replyWith(200, { body: 'é' })).toMatchObject({
      body: 'é',
      headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': '2' }
    })
    expect(replyWith(200, { body: ['é'] })).toMatchObject({
      body: '["é"]',
      headers: { 'Content-Type': 'application/json', 'Content-Length': '6' }
    })
    expect(Object.keys(replyWith(204)).sort()).toEqual(['close', 'headers', 'status'])
    expect(replyWith(204).headers).not.toHaveProperty('Content-Length')
  })
})

describe('invalidField', () => {
  it('is an error with the pointer', () => {
    const error = invalidField('/pages/0', 'must be a number')
    expect(error).toBeInstanceOf(RequestError)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('RequestError')
    expect(error.problem.errors).toEqual([{ pointer: '/pages/0', detail: 'must be a number' }])
    expect(invalidField('', 'must have a width').problem.errors).toMatchObject([{ pointer: '' }])
  })

  it('accepts only pointers and strings', () => {
    const pointer = new TypeError('Expected `pointer` to be a JSON pointer: empty, or a path that begins with "/"')
    expect(() => invalidField('width', 'x')).toThrow(pointer)
    expect(() => invalidField(7 as unknown as string, 'x')).toThrow(pointer)
    expect(() => invalidField('/a', 7 as unknown as string)).toThrow(
      new TypeError('Expected `detail` to be a string, got number')
    )
  })
})
