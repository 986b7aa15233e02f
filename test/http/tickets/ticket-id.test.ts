import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { decodeTicket } from '../../../src/http/tickets/ticket-id.js'
import { service } from '../support/service.js'

describe('a path segment', () => {
  it.each([
    ['Zk3v0mJx_-', 'Zk3v0mJx_-'],
    ['a.b:c', 'a.b:c'],
    ['%61', 'a'],
    ['...', '...'],
    ['a'.repeat(128), 'a'.repeat(128)],
    ['%61'.repeat(128), 'a'.repeat(128)]
  ])('%s is a ticket', (segment, id) => {
    expect(decodeTicket(segment)).toBe(id)
  })

  it.each([
    '',
    '.',
    '..',
    '%2e',
    '%2E%2e',
    '%',
    '%2',
    '%zz',
    '%00',
    'a/b',
    'a%2Fb',
    'a b',
    'é',
    'a\n',
    '%0a',
    'a'.repeat(129),
    '%61'.repeat(129)
  ])('%j is not a ticket', (segment) => {
    expect(decodeTicket(segment)).toBeUndefined()
  })

  it('yields only text that is safe in a path and a header, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'%2eEfF0a./:\\\n é_-'), maxLength: 20 }), (segment) => {
        const id = decodeTicket(segment)
        return id === undefined || (/^[A-Za-z0-9._:-]+$/.test(id) && encodeURI(id) === id)
      }),
      { numRuns: 2_000 }
    )
  })
})

describe('the pool', () => {
  it('is never called with an impossible ticket', async () => {
    const { pool, send } = service()
    const lookUp = vi.spyOn(pool, 'task')
    for (const segment of ['%', '%2e%2e', 'a%2Fb', 'a%00', 'a'.repeat(129)]) {
      for (const line of [`GET /tasks/${segment}`, `DELETE /tasks/${segment}`, `GET /tasks/${segment}/events`])
        expect((await send(line)).reply?.status, line).toBe(404)
    }
    expect(lookUp).not.toHaveBeenCalled()
  })
})
