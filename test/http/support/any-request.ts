/** Requests as nobody would send them, and as everybody does: drawn by fast-check, with what is known of each. */
import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'

/** The bytes that a body may have. */
export const MAX_BODY_BYTES = 300

/** A ticket by its id, or by its number among those handed out so far. */
type Ticket = string | number

/** The parts of a target: what stands before the ticket, the ticket if there is one, what comes after it. */
export type Target = readonly [before: string, ticket: Ticket | undefined, after: string]

/** A request before it is known which tickets there are. */
export interface DrawnRequest {
  readonly method: string
  readonly target: Target
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly chunks: readonly Uint8Array[]
  /** Whether the body breaks off after its chunks. */
  readonly breaks: boolean
}

const LONG = { size: 'max' } as const

/** Text of these characters, as often long as short. */
const soup = (characters: string, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters), maxLength, ...LONG })

/** What can stand in a header field at all. */
const fieldText = fc.string({
  unit: fc
    .integer({ min: 0x20, max: 0xff })
    .filter((code) => code !== 0x7f)
    .map((code) => String.fromCharCode(code)),
  maxLength: 30,
  ...LONG
})

const often = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: usual, weight: 12 }, { arbitrary: other, weight: 1 })

const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'PATCH', 'TRACE', 'QUERY'] as const

const method = often<string>(
  fc.constantFrom('GET', 'GET', 'POST', 'POST', 'DELETE', 'HEAD'),
  fc.oneof(fc.constantFrom(...METHODS, 'get', '__proto__', 'constructor', ''), soup('GETPOS', 6))
)

const ticket: fc.Arbitrary<Ticket> = often<Ticket>(
  fc.nat({ max: 30 }),
  fc.oneof(
    fc.constantFrom('%', '%2e%2e%2f', '..', '.', '%00', '%0d%0aa:b', 'x'.repeat(10_000), '%41'.repeat(129), ''),
    fc.constantFrom('__proto__', 'constructor', 'events', 'a', '%61', 'a1', 'a%2f'),
    soup('%2eaA0d.:/_-\u00e9', 12)
  )
)
const query = often(
  fc.constantFrom('', '', '?state=queued', '?limit=2', '?state=failed&limit=100', '?wait=9'),
  fc.oneof(
    fc.constantFrom('?state=x', '?limit=0', '?limit=101', '?limit=1&limit=1', '?state=&limit', '?%', '?__proto__=1'),
    soup('?&=state%limt10', 24)
  )
)
const AUTHORITIES = ['http://evil.example', 'HTTPS://h:1', 'http://', 'ftp://evil.example']
const authority = often(fc.constant(''), fc.constantFrom(...AUTHORITIES))

const ticketTarget: fc.Arbitrary<Target> = fc
  .tuple(
    authority,
    ticket,
    often(fc.constantFrom('', '', '/events'), fc.constantFrom('/', '/events/', '/x', '#')),
    query
  )
  .map(([before, id, after, rest]) => [`${before}/tasks/`, id, after + rest] as const)
const plainTarget: fc.Arbitrary<Target> = fc
  .tuple(authority, fc.constantFrom('/tasks', '/tasks', '/tasks', '/reports', '/patient', '/livez', '/readyz'), query)
  .map((parts) => [parts.join(''), undefined, ''] as const)
const strangeTarget: fc.Arbitrary<Target> = fc
  .oneof(fc.constantFrom('*', '', '/', '//', '?', '/tasks//events', '//tasks', '/TASKS', '/reports/'), fieldText)
  .map((text) => [text, undefined, ''] as const)

const acceptingTarget: fc.Arbitrary<Target> = fc
  .constantFrom('/tasks', '/tasks?limit=2', '/reports', '/patient')
  .map((path) => [path, undefined, ''] as const)

/** Method and target; most of them fit. */
const line: fc.Arbitrary<readonly [method: string, target: Target]> = fc.oneof(
  { arbitrary: fc.tuple(fc.constant('POST'), acceptingTarget), weight: 8 },
  { arbitrary: fc.tuple(fc.constantFrom('GET', 'GET', 'HEAD', 'DELETE'), ticketTarget), weight: 8 },
  { arbitrary: fc.tuple(fc.constantFrom('GET', 'HEAD'), plainTarget), weight: 2 },
  { arbitrary: fc.tuple(method, fc.oneof(ticketTarget, plainTarget)), weight: 2 },
  { arbitrary: fc.tuple(method, strangeTarget), weight: 1 }
)

const JSON_TYPES = [
  'application/json',
  'Application/JSON; charset=UTF-8',
  'application/ld+json;charset="utf-8"',
  'application/json;'
]
const OTHER_TYPES = [
  '',
  'text/plain',
  'text/json',
  'application/json; charset=latin1',
  'application/json, application/json',
  'application/jsonx',
  ' application/json;;charset',
  `application/json;${' '.repeat(300)}`
]
const field = {
  'content-type': often(fc.constantFrom(...JSON_TYPES), fc.oneof(fc.constantFrom(...OTHER_TYPES), fieldText)),
  'content-encoding': often<string | undefined>(
    fc.constant(undefined),
    fc.oneof(fc.constantFrom('', 'gzip', 'identity', 'br, gzip'), fieldText)
  ),
  'content-length': often<string | undefined>(
    fc.constant(undefined),
    fc.constantFrom('0', '1', '301', '99999999999999999999', '-1', 'x', '')
  ),
  'idempotency-key': fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 5 },
    { arbitrary: fc.constantFrom('k1', 'k2', '"k1"', '"k\\"2"', 'k'.repeat(255)), weight: 4 },
    {
      arbitrary: fc.oneof(
        fc.constantFrom('', '"', '""', 'k'.repeat(256), '"a', '"a"b"', '\u00e9', ' '),
        soup('"\\k', 6)
      ),
      weight: 1
    }
  ),
  'if-none-match': fc.oneof(
    { arbitrary: fc.constantFrom(undefined, '*', 'W/"1"', '"2"', 'W/"1", W/"2", "3", W/"4"'), weight: 5 },
    { arbitrary: fc.oneof(soup('W/"123, *', 20), fieldText), weight: 1 }
  ),
  prefer: fc.oneof(
    {
      arbitrary: fc.constantFrom(undefined, undefined, undefined, 'wait=5', 'wait=0', 'respond-async, WAIT=99'),
      weight: 6
    },
    {
      arbitrary: fc.oneof(
        fc.constantFrom('wait', 'wait=-1', 'wait=1e3', `wait=${'9'.repeat(400)}`),
        soup('wait=,;"\\ 1', 20)
      ),
      weight: 1
    }
  ),
  'last-event-id': fc.oneof(
    { arbitrary: fc.constantFrom(undefined, undefined, '1', '2', '3', '4'), weight: 6 },
    { arbitrary: fieldText, weight: 1 }
  ),
  'x-user': often<string | undefined>(
    fc.constantFrom(undefined, 'ada', 'ada', 'ada'),
    fc.constantFrom('bob', '__proto__', 'x'.repeat(256))
  ),
  host: often<string | undefined>(fc.constant(undefined), fc.constantFrom('evil.example', '')),
  'x-forwarded-host': often<string | undefined>(fc.constant(undefined), fc.constant('evil.example'))
}

/** Some of the fields, some of them sent twice. */
const headers = fc
  .tuple(
    fc.record(field),
    often<keyof typeof field | undefined>(fc.constant(undefined), fc.constantFrom('prefer', 'if-none-match'))
  )
  .map(([fields, twice]) => {
    const sent = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return Object.fromEntries(sent.map(([name, value]) => [name, name === twice ? [value, value] : value]))
  })

const object = fc.oneof(
  fc.constantFrom(
    '{}',
    '{}',
    '{}',
    '{"n":1}',
    ' {"n":1} ',
    '{"__proto__":{"id":"a"}}',
    '{"constructor":{"prototype":1}}'
  ),
  fc.constantFrom(
    '{"id":"a"}',
    '{"id":"a1"}',
    '{"id":"b"}',
    '{"id":null}',
    '{"id":"../a"}',
    '{"id":"\\r\\nSet-Cookie: a"}'
  ),
  fc
    .dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
    .map((value) => JSON.stringify(value))
)
const SPOILED = ['', '[]', 'null', '"x"', '{', '{"a":1}x', '{"a":1,}', '\ufeff{}', '\u0000', "{'a':1}", '{}{}', 'NaN']
const depth = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`
const body = often<Uint8Array>(
  object.map((text) => Buffer.from(text)),
  fc.oneof(
    fc
      .constantFrom(...SPOILED, '['.repeat(200), depth(20), `"${'x'.repeat(299)}`, `{"a":"${'x'.repeat(300)}"}`)
      .map((text) => Buffer.from(text)),
    fc.constantFrom(
      Buffer.from([0x7b, 0xff, 0x7d]),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from('{"a":1}', 'utf16le')
    ),
    fc.uint8Array({ maxLength: 40, ...LONG })
  )
)

/** The same bytes in pieces, cut where it hurts. */
const pieces = fc.tuple(body, fc.nat({ max: 8 })).map(([bytes, size]) => {
  if (size === 0) return [bytes]
  return Array.from({ length: Math.ceil(bytes.byteLength / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size)
  )
})

/** Any request. */
export const anyRequest: fc.Arbitrary<DrawnRequest> = fc
  .record({
    line,
    headers,
    chunks: pieces,
    breaks: fc.oneof({ arbitrary: fc.constant(false), weight: 30 }, { arbitrary: fc.constant(true), weight: 1 })
  })
  .map(({ line: [sent, target], ...rest }) => ({ method: sent, target, ...rest }))

/** Whether a content type is JSON in UTF-8; `undefined` where that is another test's to say. */
export function isJsonType(type: string): boolean | undefined {
  if (JSON_TYPES.includes(type)) return true
  return OTHER_TYPES.includes(type) || !/json/i.test(type) ? false : undefined
}

/** Whether bytes are a JSON object as an accepting route takes it. */
export function isJsonObject(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString()
  if (!isUtf8(bytes) || text.startsWith('\ufeff')) return false
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) && depthOf(value) <= 64
  } catch {
    return false
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Object.values(value).reduce((deepest: number, each) => Math.max(deepest, depthOf(each)), 0)
}

/** Whether a field is an idempotency key: the grammar of a string in quotes, or printable characters. */
export function isKey(text: string): boolean {
  if (!text.startsWith('"')) return /^[ -~]{1,255}$/.test(text)
  return /^"(?:[ !#-[\]-~]|\\["\\]){1,255}"$/.test(text)
}
