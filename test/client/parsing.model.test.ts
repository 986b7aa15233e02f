/** What the client reads from arbitrary answers, compared with independent oracles. */
import { isMainThread } from 'node:worker_threads'
import { type PollOptions, poll } from 'coatcheck/client'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { retryAfterOf } from '../../src/client/retry-after.js'
import { readStatus } from '../../src/client/ticket-status.js'
import { ticketUrlOf } from '../../src/client/ticket-url.js'
import { ManualClock } from '../support/manual-clock.js'
import { ORIGIN } from './support/scripted-server.js'

const LONG = { size: 'max' } as const

describe('Retry-After', () => {
  const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
  const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  const two = (value: number, fill = '0'): string => String(value).padStart(2, fill)

  /** The three forms of RFC 9110, section 5.6.7, written from the parts of a date. */
  const written = (ms: number): readonly string[] => {
    const date = new Date(ms)
    const [day = '', month = ''] = [DAYS[date.getUTCDay()], MONTHS[date.getUTCMonth()]]
    const [number, year] = [date.getUTCDate(), date.getUTCFullYear()]
    const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map((each) => two(each)).join(':')
    return [
      `${day.slice(0, 3)}, ${two(number)} ${month} ${year} ${time} GMT`,
      `${day}, ${two(number)}-${month}-${two(year % 100)} ${time} GMT`,
      `${day.slice(0, 3)} ${month} ${two(number, ' ')} ${time} ${year}`
    ]
  }

  /** Whole seconds, in years that two digits can express. */
  const moment = fc
    .integer({ min: Date.UTC(2000, 0, 1) / 1_000, max: Date.UTC(2049, 11, 31) / 1_000 })
    .map((seconds) => seconds * 1_000)
  const form = fc.nat({ max: 2 })
  const never = (): number => expect.fail('the clock here was sent')

  it('is any whole number of seconds', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('', ' ', '\t'), (seconds, space) => {
        expect(retryAfterOf(new Headers({ 'Retry-After': `${space}${seconds}${space}` }), never)).toBe(seconds * 1_000)
      })
    )
  })

  it('is the time from the server’s date to another, in any form of either, never negative', () => {
    fc.assert(
      fc.property(moment, moment, form, form, (now, then, first, second) => {
        const headers = new Headers({ Date: written(now)[first]!, 'Retry-After': written(then)[second]! })
        expect(retryAfterOf(headers, never)).toBe(Math.max(0, then - now))
      }),
      { numRuns: 1_000 }
    )
  })

  // A thread, as a mutation run has, keeps the time zone of its process.
  it.runIf(isMainThread)('is in GMT in every local time zone, also in the form without a zone', () => {
    onTestFinished(() => void vi.unstubAllEnvs())
    vi.stubEnv('TZ', 'America/New_York')
    const at = Date.UTC(2030, 0, 6, 8, 49, 37)
    expect(new Date(at).getHours()).toBe(3)
    for (const text of written(at)) {
      expect(retryAfterOf(new Headers({ 'Retry-After': text }), () => at - 1_000)).toBe(1_000)
    }
  })

  it('is relative to the local clock without a Date of the server', () => {
    fc.assert(
      fc.property(moment, moment, form, fc.constantFrom(undefined, 'yesterday'), (now, then, which, date) => {
        const headers = new Headers({
          'Retry-After': written(then)[which]!,
          ...(date === undefined ? {} : { Date: date })
        })
        expect(retryAfterOf(headers, () => now)).toBe(Math.max(0, then - now))
      })
    )
  })

  it('is undefined or a time from 0, for any text', () => {
    const words = fc.constantFrom(
      ...'0123456789.:+-, eGMTJanSundayFri'.split(''),
      'Sun, ',
      'Sunday, ',
      ' GMT',
      '2030',
      'Feb'
    )
    const text = fc.array(words, { maxLength: 30, ...LONG }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (said) => {
        const ms = retryAfterOf(new Headers({ 'Retry-After': said }), () => 0)
        if (ms !== undefined) expect(ms).toBeGreaterThanOrEqual(0)
        if (/^\s*$|^[^0-9SMTWF]/.test(said.trim())) expect(ms, said).toBeUndefined()
      }),
      { numRuns: 3_000 }
    )
  })
})

describe('the URL of a ticket', () => {
  it('is never on another origin, nor anything but http with no credentials', () => {
    const pieces = fc.constantFrom(
      ...[
        'http:',
        'https:',
        'blob:',
        'javascript:',
        'data:',
        '//',
        '/',
        '\\',
        '@',
        ':',
        '#',
        '?',
        '.',
        '..',
        '%2f',
        ' ',
        '\t'
      ],
      ...[
        'server.test',
        'evil.test',
        ORIGIN,
        'me:secret@',
        ':80',
        ':443',
        'tasks',
        'a',
        '\u0000',
        'ｄesk.test',
        '[::1]'
      ]
    )
    const reference = fc.array(pieces, { maxLength: 8, ...LONG }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(reference, (text) => {
        const url = ticketUrlOf(text, { requestUrl: `${ORIGIN}/api/tasks?x`, trustedOrigins: ['https://trusted.test'] })
        if (url === undefined) return
        expect(url.startsWith(`${ORIGIN}/`), `${text} → ${url}`).toBe(true)
        expect(new URL(url).href).toBe(url)
        expect(url).not.toContain('#')
      }),
      { numRuns: 5_000 }
    )
  })
})

describe('a status', () => {
  const anything = fc.jsonValue({ maxDepth: 3 })
  const field = (...usual: readonly unknown[]) =>
    fc.oneof({ arbitrary: fc.constantFrom(...usual), weight: 3 }, { arbitrary: anything, weight: 1 })
  const document = fc.record(
    {
      id: field('a', 'b'),
      name: field('resize', null),
      status: field('queued', 'running', 'succeeded', 'failed', 'canceled'),
      done: field(true, false),
      revision: field(1, 2),
      position: field(null, 3),
      progress: field(null, { ratio: 0.5, message: null }, { ratio: 1, message: 'x' }),
      cancelRequested: field(true, false),
      reason: field(null, 'user', 'pool_stopped'),
      attempt: field(0, 1),
      queuedAt: field('2030-01-01T00:00:00.000Z'),
      startedAt: field(null, '2030-01-01T00:00:00.000Z'),
      pollAfterMs: field(1_000, null),
      result: anything,
      error: field(null, { code: 'NO', message: 'no' }),
      resultOmitted: field(null, 'too long'),
      links: field({ self: '/tasks/a', events: null })
    },
    { requiredKeys: [] }
  )

  it('has every key with a value of the right type, or is undefined, for any text', () => {
    const kinds = {
      name: /^(string|null)$/,
      revision: /^number$/,
      position: /^(number|null)$/,
      cancelRequested: /^boolean$/,
      attempt: /^number$/,
      queuedAt: /^(string|null)$/,
      startedAt: /^(string|null)$/,
      settledAt: /^(string|null)$/,
      expiresAt: /^(string|null)$/,
      pollAfterMs: /^(number|null)$/,
      resultOmitted: /^(string|null)$/
    } as const
    const kindOf = (value: unknown): string => (value === null ? 'null' : typeof value)
    const count = { status: 0, none: 0 }
    fc.assert(
      fc.property(fc.oneof(document, anything), (sent) => {
        const status = readStatus(JSON.stringify(sent))
        count[status === undefined ? 'none' : 'status']++
        const { id, status: word } = (sent ?? {}) as { readonly id?: unknown; readonly status?: unknown }
        const words = ['queued', 'running', 'succeeded', 'failed', 'canceled']
        const isOne = typeof id === 'string' && words.includes(word as string) && !Array.isArray(sent)
        expect(status !== undefined).toBe(isOne)
        if (status === undefined) return
        expect(status.done).toBe(words.indexOf(status.status) >= 2)
        for (const [key, kind] of Object.entries(kinds))
          expect(kindOf(status[key as keyof typeof kinds]), key).toMatch(kind)
        expect([status.progress?.ratio ?? 0, status.links.self ?? '', status.error?.message ?? ''].map(kindOf)).toEqual(
          ['number', 'string', 'string']
        )
        expect(status.error !== null).toBe(status.status === 'failed')
      }),
      { numRuns: 3_000 }
    )
    expect(Math.min(count.status, count.none)).toBeGreaterThan(300)
  })

  it('of any kind leads to a result, an error of the client, or another poll', async () => {
    const answer = fc.record({
      code: fc.constantFrom(200, 200, 200, 202, 204, 301, 304, 400, 404, 429, 500, 503),
      body: fc.oneof(
        document.map((each) => JSON.stringify(each)),
        fc.string(),
        fc.constant('<html>')
      ),
      retryAfter: fc.constantFrom('0', '1', 'soon', '99999')
    })
    const outcomes = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 12, ...LONG }), async (answers) => {
        const clock = new ManualClock()
        let sent = 0
        const controller = new AbortController()
        const enough = new Error('enough')
        const options: PollOptions = {
          clock,
          signal: controller.signal,
          retry: { attempts: 3, backoffMs: 0 },
          longPollMs: 0,
          fetch: async () => {
            const next = answers[sent++]
            if (next === undefined) {
              controller.abort(enough)
              throw enough
            }
            const body = [204, 304].includes(next.code) ? null : next.body
            return new Response(body, { status: next.code, headers: { 'Retry-After': next.retryAfter, ETag: '"x"' } })
          }
        }
        let outcome = ''
        poll(`${ORIGIN}/tasks/a`, options).then(
          () => {
            outcome = 'resolved'
          },
          (error: unknown) => {
            outcome = error === enough ? 'enough' : ((error as { readonly code?: string }).code ?? String(error))
          }
        )
        for (let step = 0; outcome === '' && step < 200; step++) await clock.advance(120_000_000)
        expect(outcome).toMatch(/^(resolved|enough|ERR_[A-Z_]+)$/)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        expect(clock.timers()).toBe(0)
      }),
      { numRuns: 300, seed: 815 } // with a seed, since the floors below are of one run
    )
    const seen = [...outcomes.keys()]
    for (const code of [
      'resolved',
      'ERR_TASK_FAILED',
      'ERR_TASK_CANCELED',
      'ERR_TICKET_NOT_FOUND',
      'ERR_UNEXPECTED_ANSWER'
    ]) {
      expect(seen).toContain(code)
    }
  })
})
