import { describe, expect, it } from 'vitest'
import { readFound, type Ticket } from '../../src/client/answers.js'

const known: Ticket = {
  url: 'http://desk.test/tasks/a',
  status: undefined,
  tag: 'W/"1"',
  retryAfterMs: 1_000,
  wasHeld: false
}

/** Whether an answer with this `Preference-Applied` says that the question was held. */
const wasHeld = (applied: string): boolean => {
  const headers = new Headers({ 'Preference-Applied': applied })
  const verdict = readFound({ status: 304, headers, text: '', retryAfterMs: undefined }, known)
  if (!('done' in verdict)) throw new Error('a 304 is an answer')
  return verdict.done.wasHeld
}

describe('an answer says that the question was held', () => {
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
