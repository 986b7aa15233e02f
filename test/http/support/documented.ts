/** The documented replies: the statuses and codes of each route, and the form of each body. */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { eventBlock } from './event-reader.js'

/** A reply, from the routes or from a socket. */
export interface SeenReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** A complete body, or the part of a stream that was read. */
  readonly body: string | undefined
}

/** The resource of a path; a path that accepts work is `accepting` for POST. */
export type Resource = 'accepting' | 'tasks' | 'ticket' | 'events' | 'livez' | 'readyz'

const HEALTH = { GET: ['200'], HEAD: ['200'] } as const

const READ_TASKS = ['200', '400 INVALID_FIELD']
const HAND_IN = [
  '202',
  '400 INVALID_BODY',
  '400 INVALID_FIELD',
  '400 INVALID_IDEMPOTENCY_KEY',
  '409 DUPLICATE_TASK',
  '413 BODY_TOO_LARGE',
  '415 UNSUPPORTED_MEDIA_TYPE',
  '422 IDEMPOTENCY_KEY_REUSED',
  '429 KEY_QUEUE_FULL',
  '503 POOL_STOPPED',
  '503 QUEUE_FULL',
  '503 WAIT_FULL',
  '503 WAIT_TIMEOUT'
]
const READ_TICKET = ['200', '304', '404 TICKET_NOT_FOUND']

/** Status and code of every reply of a resource, by method, with an `authorize` hook. */
const DOCUMENTED: Readonly<Record<Resource, Readonly<Record<string, readonly string[]>>>> = {
  accepting: { POST: HAND_IN },
  tasks: { GET: READ_TASKS, HEAD: ['200', '400'] },
  ticket: {
    GET: READ_TICKET,
    HEAD: ['200', '304', '404'],
    DELETE: ['200', '202', '404 TICKET_NOT_FOUND', '409 ALREADY_FINISHED']
  },
  events: { GET: ['200', '204', '404 TICKET_NOT_FOUND'] },
  livez: HEALTH,
  readyz: { GET: ['200', '503'], HEAD: ['200', '503'] }
}

/** Status and code of every reply to this method. */
export function documented(resource: Resource, method: string): readonly string[] {
  if (method === 'OPTIONS') return ['204']
  const methods = DOCUMENTED[resource]
  if (Object.hasOwn(methods, method)) return methods[method]!
  return [method === 'HEAD' ? '405' : '405 METHOD_NOT_ALLOWED']
}

/** Method, resource and answer of each documented reply, except those to unsupported methods. */
export function everyAnswer(): readonly string[] {
  return Object.entries(DOCUMENTED).flatMap(([resource, methods]) =>
    Object.entries(methods).flatMap(([method, answers]) => answers.map((answer) => `${method} ${resource} ${answer}`))
  )
}

const STATUS_KEYS = [
  'attempt',
  'cancelRequested',
  'done',
  'error',
  'expiresAt',
  'id',
  'links',
  'name',
  'pollAfterMs',
  'position',
  'progress',
  'queuedAt',
  'reason',
  'result',
  'resultOmitted',
  'revision',
  'settledAt',
  'startedAt',
  'status'
].join()
const PROBLEM_KEYS = ['code', 'detail', 'status', 'title', 'type'].join()
const PROBLEM_EXTRAS = new Set(['errors', 'retryAfterMs', 'state'])
const LINK = /^\/tasks\/[A-Za-z0-9._:-]{1,128}$/
const WHOLE_SECONDS = /^[1-9]\d*$/

/** Fails at the first rule that a reply violates, with its name. Returns status and code. */
export function readReply(method: string, resource: Resource, reply: SeenReply): string {
  const { status, headers, body } = reply
  readHeaders(reply)
  if (method === 'HEAD' || status === 204 || status === 304) {
    must(body === undefined || body === '', 'there is no body')
    if (method !== 'HEAD') must(!headers.has('content-type'), 'what has no body has no type')
    return String(status)
  }
  const type = headers.get('content-type')
  must(body !== undefined && body !== '', 'there is a body')
  if (type === 'text/event-stream') {
    must(status === 200 && resource === 'events', 'only events come as a stream')
    readEvents(body!)
    return '200'
  }
  must(headers.get('content-length') === String(Buffer.byteLength(body!)), 'the length is that of the body')
  const value = JSON.parse(body!) as Readonly<Record<string, unknown>>
  if ((resource === 'livez' || resource === 'readyz') && status !== 405) {
    must(type === 'application/json' && Object.keys(value).join() === 'status', 'health is one word')
    return String(status)
  }
  if (status >= 400) return readProblem(status, type, value)
  must(type === 'application/json', 'a status is JSON')
  if (resource === 'tasks' && Object.hasOwn(value, 'tasks')) {
    must(Object.keys(value).join() === 'tasks', 'a list is a list')
    for (const each of value['tasks'] as Readonly<Record<string, unknown>>[]) readStatus(each)
  } else {
    readStatus(value)
    must(value['done'] === !headers.has('retry-after'), 'Retry-After until it is done')
  }
  return String(status)
}

function readHeaders({ status, headers }: SeenReply): void {
  for (const [name, value] of headers) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    must(/^[\x20-\x7e]*$/.test(value), `${name} is plain text`)
  }
  must(headers.get('x-content-type-options') === 'nosniff', 'nosniff')
  must(headers.get('referrer-policy') === 'no-referrer', 'no-referrer')
  const caching = headers.get('cache-control')
  if (status >= 400) must(caching === 'no-store', 'an error is not stored')
  else must(caching?.startsWith('private, no-cache') === true, 'a reply is revalidated')
  for (const name of ['location', 'content-location', 'operation-location']) {
    if (headers.has(name)) must(LINK.test(headers.get(name)!), `${name} is a ticket's`)
  }
  if (headers.has('retry-after')) must(WHOLE_SECONDS.test(headers.get('retry-after')!), 'Retry-After is an integer')
  if (headers.has('etag')) must(/^W\/"\d+"$/.test(headers.get('etag')!), 'an entity tag is weak, of a revision')
  const applied = headers.get('preference-applied')
  if (applied !== undefined) must(/^wait=(?:\d|1\d|2[0-5])$/.test(applied), 'nobody waits for more than 25 seconds')
}

function readProblem(status: number, type: string | undefined, problem: Readonly<Record<string, unknown>>): string {
  must(type === 'application/problem+json', 'an error is a problem document')
  const keys = Object.keys(problem).filter((key) => !PROBLEM_EXTRAS.has(key))
  must(keys.sort().join() === PROBLEM_KEYS, 'a problem has its members and no others')
  must(problem['type'] === 'about:blank' && problem['status'] === status, 'a problem repeats its status')
  return `${status} ${String(problem['code'])}`
}

function readStatus(status: Readonly<Record<string, unknown>>): void {
  must(Object.keys(status).sort().join() === STATUS_KEYS, 'a status has every key, and no others')
  const { self, events } = status['links'] as { readonly self: string; readonly events: string }
  must(self === `/tasks/${String(status['id'])}` && events === `${self}/events`, 'links are those of the ticket')
}

function readEvents(body: string): void {
  must(body.endsWith('\n\n'), 'events end with an empty line')
  for (const text of body.slice(0, -2).split('\n\n')) {
    if (text === ':') continue
    const { fields, status } = eventBlock(text)
    must(/^(?:retry,)?event,id,data$/.test(Object.keys(fields).join()), 'an event has its fields')
    must(fields['event'] === 'status' && fields['id'] === String(status?.revision), 'the id is the revision')
    readStatus(status as unknown as Readonly<Record<string, unknown>>)
  }
}

function must(isSo: boolean, rule: string): void {
  if (!isSo) throw new Error(`not so: ${rule}`)
}
