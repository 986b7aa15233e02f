import type { HttpReply } from 'coatcheck/http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { headerText, idleRoutes, textOf } from '../support/parsing.js'
import { bytesOf, jsonOf } from '../support/request-of.js'

describe('Idempotency-Key', () => {
  const PRINTABLE = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)).join('')
  /** RFC 8941, section 3.3.3. */
  const STRING = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/

  const post = async ({ send }: ReturnType<typeof idleRoutes>, key: string): Promise<HttpReply> =>
    send('POST /tasks', {
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: bytesOf('{}')
    })

  const spelled = (key: string): string => `"${key.replaceAll(/["\\]/g, '\\$&')}"`

  it('is the same key bare and in quotes, and another one for every other text', async () => {
    const open = idleRoutes()
    const tickets = new Map<string, string>()
    await fc.assert(
      fc.asyncProperty(fc.oneof(textOf(PRINTABLE, 255), textOf('a"\\', 4)), fc.boolean(), async (key, isQuoted) => {
        fc.pre(key !== '' && (isQuoted || (!key.startsWith('"') && key.trim() === key)))
        const reply = await post(open, isQuoted ? spelled(key) : key)
        expect(reply.status, key).toBe(202)
        const { id } = jsonOf(reply)
        expect(reply.headers['Idempotent-Replayed']).toBe(tickets.has(key) ? 'true' : undefined)
        expect(id).toBe(tickets.get(key) ?? id)
        tickets.set(key, String(id))
      }),
      { numRuns: 1_000 }
    )
    expect(new Set(tickets.values()).size).toBe(tickets.size)
  })

  it('that is empty, too long, not printable or without its closing quote is refused, and nothing is queued', async () => {
    const open = idleRoutes()
    const count = { good: 0, bad: 0 }
    const soup = fc.oneof(
      headerText('"\\a', 6),
      textOf('"\\ab', 4),
      textOf('a', 260),
      textOf('a', 254).map((text) => `"${text}\\""`)
    )
    await fc.assert(
      fc.asyncProperty(soup, async (field) => {
        fc.pre(field === field.trim())
        const inside = STRING.exec(field)?.[1]?.replaceAll(/\\(.)/g, '$1')
        const key = field.startsWith('"') ? inside : field
        const isGood =
          key !== undefined &&
          key.length >= 1 &&
          key.length <= 255 &&
          [...key].every((each) => PRINTABLE.includes(each))
        count[isGood ? 'good' : 'bad']++
        const reply = await post(open, field)
        expect(reply.status, field).toBe(isGood ? 202 : 400)
        if (!isGood) expect(jsonOf(reply)['code']).toBe('INVALID_IDEMPOTENCY_KEY')
        open.inputs.splice(0)
      }),
      { numRuns: 2_000 }
    )
    expect(Math.min(count.good, count.bad)).toBeGreaterThan(100)
    expect(open.pool.stats().queued).toBe(0)
  })
})
