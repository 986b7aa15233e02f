import { describe, expect, it } from 'vitest'
import { readAccepted, readCanceled, readFound, type Ticket } from '../../src/client/answers.js'
import type { Answer } from '../../src/client/exchange.js'
import { readStatus } from '../../src/client/ticket-status.js'
import { status } from './support/scripted-server.js'

const known: Ticket = {
  url: 'http://server.test/tasks/a',
  status: undefined,
  tag: 'W/"1"',
  retryAfterMs: 1_000,
  wasHeld: false
}

/** Whether an answer with this `Preference-Applied` states that the poll was held. */
const wasHeld = (applied: string): boolean => {
  const headers = new Headers({ 'Preference-Applied': applied })
  const verdict = readFound({ status: 304, headers, text: '', retryAfterMs: undefined }, known)
  if (!('done' in verdict)) throw new Error('a 304 is an answer')
  return verdict.done.wasHeld
}

describe('an answer states that the poll was held', () => {
  it.each([
    'wait',
    'wait=25',
    'WAIT=25',
    'wait =\t25',
    'wait\t=25',
    'wait;x=1',
    'wait, respond-async',
    'respond-async,wait=1',
    'respond-async, \twait=1',
    'respond-async, wait'
  ])('with %j', (applied) => {
    expect(wasHeld(applied)).toBe(true)
  })

  it.each(['', 'respond-async', 'waiting=1', 'wait1', 'wait x', 'await=1', 'x wait=1', 'x=wait', 'x;wait=1', '=wait'])(
    'not with %j',
    (applied) => {
      expect(wasHeld(applied)).toBe(false)
    }
  )
})

describe('an answer without a ticket', () => {
  const answer = (code: number, text = ''): Answer => ({
    status: code,
    headers: new Headers(),
    text,
    retryAfterMs: undefined
  })
  const rules = { requestUrl: 'http://server.test/tasks', trustedOrigins: [] }

  it.each([
    [0, 'it redirects, and redirects are not followed'],
    [200, 'its status is 200'],
    [204, 'its status is 204'],
    [300, 'it redirects, and redirects are not followed'],
    [303, 'it redirects, and redirects are not followed'],
    [304, 'its status is 304']
  ])('with the status %d is an error that says why', (code, why) => {
    const message = `The server gave an answer that cannot be used: ${why}.`
    expect(() => readAccepted(answer(code), rules)).toThrow(expect.objectContaining({ status: code, message }))
  })

  it('without a ticket URL is an error that says so', () => {
    expect(() => readAccepted(answer(202, JSON.stringify(status({ links: null }))), rules)).toThrow(
      'it has no ticket URL'
    )
  })

  it('that is another page, or lost, is retried, and the error says why', () => {
    expect(readFound(answer(200, '<html>'), known)).toMatchObject({
      again: { message: 'The server gave an answer that cannot be used: it is not the status of a ticket.' }
    })
    expect(readCanceled({ lost: 'reset' }, known.url)).toMatchObject({
      again: { code: 'ERR_SERVER_UNREACHABLE', cause: 'reset' }
    })
  })
})

describe('a status', () => {
  const full = status({
    status: 'failed',
    done: true,
    revision: 7,
    position: 2,
    progress: { ratio: 0, message: 'unpacking' },
    cancelRequested: true,
    reason: 'user',
    attempt: 3,
    startedAt: '2030-01-01T00:00:01.000Z',
    settledAt: '2030-01-01T00:00:02.000Z',
    expiresAt: '2030-01-01T00:10:02.000Z',
    pollAfterMs: 2_000,
    result: [1],
    error: { code: 'DISK_FULL', message: 'no space' },
    resultOmitted: 'a function has no JSON form',
    links: { self: '/tasks/a', events: '/tasks/a/events' }
  })

  it('is read field by field as the server sent it', () => {
    expect(readStatus(JSON.stringify(full))).toEqual(full)
  })

  it('has null in place of a field of the wrong type', () => {
    const odd = { cancelRequested: 'true', progress: { message: 'unpacking' }, startedAt: 1, links: { self: 1 } }
    expect(readStatus(JSON.stringify({ ...full, ...odd }))).toEqual({
      ...full,
      cancelRequested: false,
      progress: null,
      startedAt: null,
      links: { self: null, events: null }
    })
  })
})
