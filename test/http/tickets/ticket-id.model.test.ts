import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idleRoutes, LONG, textOf } from '../support/parsing.js'
import { jsonOf } from '../support/request-of.js'

describe('a ticket in a path', () => {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-'
  const id = textOf(ALPHABET, 128).filter((text) => text !== '' && text !== '.' && text !== '..')

  /** One octet after the other: each is one of the alphabet, plain or as %XX, and there is no second decoding. */
  const octets = (segment: string): string | undefined => {
    let decoded = ''
    for (let rest = segment; rest !== ''; ) {
      const code = /^%[0-9A-Fa-f]{2}/.exec(rest)?.[0]
      decoded += code === undefined ? rest[0] : String.fromCharCode(Number.parseInt(code.slice(1), 16))
      rest = rest.slice(code?.length ?? 1)
    }
    const isTicket =
      decoded.length >= 1 && decoded.length <= 128 && [...decoded].every((each) => ALPHABET.includes(each))
    return isTicket && decoded !== '.' && decoded !== '..' ? decoded : undefined
  }

  it('finds its task however its characters are escaped', async () => {
    const written = (text: string, how: readonly number[]): string =>
      [...text]
        .map((each, index) => {
          const hex = each.charCodeAt(0).toString(16)
          return [each, `%${hex}`, `%${hex.toUpperCase()}`][(how[index] ?? 0) % 3]
        })
        .join('')
    const ways = fc.array(fc.nat({ max: 2 }), { maxLength: 128, ...LONG })
    await fc.assert(
      fc.asyncProperty(id, ways, async (text, how) => {
        const segment = written(text, how)
        const reply = await idleRoutes([text]).send(`GET /tasks/${segment}`)
        expect(reply.status, segment).toBe(200)
        expect(jsonOf(reply)['id']).toBe(text)
      }),
      { numRuns: 300 }
    )
  })

  it('is 200 for the ticket that its octets spell, and one identical 404 for everything else', async () => {
    const known = ['a', 'A', '%', '2', '2e', '.a', '...', 'a.b', '-', '_', ':', 'a'.repeat(128)].filter(octets)
    const { send } = idleRoutes(known)
    const unknown = JSON.stringify(await send('GET /tasks/nobody'))
    const twice = fc
      .constantFrom(...known)
      .map((text) => [...text].map((each) => `%25${each.charCodeAt(0).toString(16)}`).join(''))
    const soup = fc.oneof(
      { arbitrary: textOf('%2eEaA.:-_61567fF0é\u0000\n😀\ud800', 24), weight: 4 },
      { arbitrary: textOf('%61aA', 400), weight: 4 },
      { arbitrary: textOf('a%61', 8), weight: 4 },
      { arbitrary: twice, weight: 1 }
    )
    await fc.assert(
      fc.asyncProperty(soup, async (segment) => {
        const spelled = octets(segment)
        const reply = await send(`GET /tasks/x`, { target: `/tasks/${segment}` })
        if (spelled === undefined || !known.includes(spelled)) expect(JSON.stringify(reply)).toBe(unknown)
        else expect([reply.status, jsonOf(reply)['id']]).toEqual([200, spelled])
      }),
      { numRuns: 3_000 }
    )
  })
})
