import type { WorkerPool } from 'coatcheck'
import { type TicketRoutesOptions, ticketRoutes } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { poolWith } from './support/routes.js'

describe('options', () => {
  const submit = (): never => {
    throw new Error('never called')
  }
  const path = '`accept[0].path` to be a path that begins with "/", as it stands in a URL'
  const freePath = '`accept[0].path` to be a path other than /livez, /readyz and those under /tasks/'
  const ticketPath =
    '`ticketPath` to be a path that begins with "/" and does not end with it, other than /livez and /readyz'
  const basePath = '`basePath` to be empty, or a path that begins with "/" and does not end with it'
  const publicUrl = '`publicUrl` to be an http or https URL without credentials, query and fragment'

  const wrong: readonly (readonly [options: unknown, message: string])[] = [
    [7, 'options'],
    [null, 'options'],
    [{ pollafter: 1 }, '`pollafter`'],
    [{ owner: 'me' }, '`owner`'],
    [{ authorize: true }, '`authorize`'],
    [{ idempotencyMs: -1 }, '`idempotencyMs` to be a number of milliseconds from 0'],
    [{ idempotencyMs: '1h' }, '`idempotencyMs` to be a number of milliseconds from 0'],
    [{ idempotencyMs: Number.NaN }, '`idempotencyMs`'],
    [{ longPolls: 7 }, '`longPolls` to be an object'],
    [{ longPolls: null }, '`longPolls` to be an object'],
    [{ longPolls: { perTicket: -1 } }, '`longPolls.perTicket`'],
    [{ longPolls: { perOwner: 1.5 } }, '`longPolls.perOwner`'],
    [{ longPolls: { total: Number.POSITIVE_INFINITY } }, '`longPolls.total`'],
    [{ longPolls: { most: 1 } }, '`most`'],
    [{ streams: 7 }, '`streams` to be an object'],
    [{ streams: { total: '5' } }, '`streams.total`'],
    [{ accept: {} }, '`accept` to be an array of routes'],
    [{ accept: [7] }, '`accept[0]` to be an object'],
    [{ accept: [{ path: '/a', submit, method: 'PUT' }] }, '`method`'],
    [{ accept: [{ path: '/a' }] }, '`accept[0].submit` to be a function'],
    [{ accept: [{ path: 'a', submit }] }, path],
    [{ accept: [{ path: '/a?b', submit }] }, path],
    [{ accept: [{ path: '/a b', submit }] }, path],
    [{ accept: [{ path: 7, submit }] }, path],
    [{ accept: [{ path: ['/a'], submit }] }, path],
    [{ accept: [{ path: '/livez', submit }] }, freePath],
    [{ accept: [{ path: '/readyz', submit }] }, freePath],
    [{ accept: [{ path: '/tasks/new', submit }] }, freePath],
    [{ accept: [{ path: '/a', submit, accepted: 7 }] }, '`accept[0].accepted`'],
    [{ accept: [{ path: '/a', submit, refused: 7 }] }, '`accept[0].refused`'],
    [
      {
        accept: [
          { path: '/a', submit },
          { path: '/a', submit }
        ]
      },
      '`accept[1].path` to be a path that is not used by accept[0] already, got `"/a"`'
    ],
    [{ ticketPath: '/reports', accept: [{ path: '/reports/new', submit }] }, '/readyz and those under /reports/'],
    ...['reports', '/reports/', '/', '', '/a?b', '/{id}', '/livez', '/readyz', null, ['/reports']].map(
      (given) => [{ ticketPath: given }, ticketPath] as const
    ),
    [{ basePath: 'api' }, basePath],
    [{ basePath: '/api/' }, basePath],
    [{ basePath: '/a?b' }, basePath],
    [{ basePath: null }, basePath],
    [{ basePath: ['/api'] }, basePath],
    [{ publicUrl: 'example.org' }, publicUrl],
    [{ publicUrl: 'ftp://example.org' }, publicUrl],
    [{ publicUrl: 'https://me:pass@example.org' }, publicUrl],
    [{ publicUrl: 'https://me@example.org' }, publicUrl],
    [{ publicUrl: 'https://:pass@example.org' }, publicUrl],
    [{ publicUrl: 'https://example.org/?a' }, publicUrl],
    [{ publicUrl: 'https://example.org/#a' }, publicUrl],
    [{ publicUrl: 7 }, publicUrl],
    [{ publicUrl: ['https://example.org'] }, publicUrl],
    [{ pollAfterMs: 0 }, '`pollAfterMs`'],
    [{ pollAfterMs: Number.POSITIVE_INFINITY }, '`pollAfterMs`'],
    [{ pollAfterMs: '1' }, '`pollAfterMs`'],
    [{ maxBodyBytes: 0 }, '`maxBodyBytes`'],
    [{ maxBodyBytes: 1.5 }, '`maxBodyBytes`'],
    [{ maxIdempotencyKeys: 0 }, '`maxIdempotencyKeys`'],
    [{ maxIdempotencyKeys: Number.POSITIVE_INFINITY }, '`maxIdempotencyKeys`'],
    [{ describeError: 'x' }, '`describeError`'],
    [{ closing: true }, '`closing`'],
    [{ onError: 1 }, '`onError`'],
    [{ random: 0.5 }, '`random`'],
    [{ clock: 7 }, '`clock` to be a Clock'],
    [{ clock: null }, '`clock` to be a Clock'],
    [{ clock: { timer: () => 0 } }, '`clock` to be a Clock'],
    [{ clock: { now: () => 0 } }, '`clock` to be a Clock']
  ]

  it.each(wrong)('%j are refused with the name of the wrong one', (options, message) => {
    const make = () => ticketRoutes(poolWith(), options as TicketRoutesOptions)
    expect(make).toThrow(/^Expected /)
    expect(make).toThrow(message)
  })

  const pool = { task: () => {}, tasks: () => {}, cancel: () => {}, closed: Promise.resolve() }

  it.each([
    7,
    null,
    undefined,
    {},
    { ...pool, task: undefined },
    { ...pool, tasks: undefined },
    { ...pool, cancel: undefined },
    { ...pool, closed: undefined },
    { ...pool, closed: 7 }
  ])('%j is not a pool', (pool) => {
    expect(() => ticketRoutes(pool as unknown as WorkerPool)).toThrow('Expected `pool` to be a WorkerPool')
  })

  it('are read once each', () => {
    const reads: string[] = []
    const read = (_: object, name: string | symbol): unknown => {
      reads.push(String(name))
      return name === 'ticketPath' ? '/reports' : undefined
    }
    ticketRoutes(poolWith(), new Proxy({}, { get: read }))
    expect(new Set(reads).size).toBe(reads.length)
    expect(reads).toContain('ticketPath')
  })

  it('that are undefined have their defaults', () => {
    const none = Object.fromEntries(
      [
        'accept',
        'basePath',
        'ticketPath',
        'publicUrl',
        'pollAfterMs',
        'maxBodyBytes',
        'maxIdempotencyKeys',
        'idempotencyMs',
        'owner',
        'authorize',
        'longPolls',
        'streams',
        'describeError',
        'closing',
        'onError',
        'random',
        'clock'
      ].map((name) => [name, undefined])
    )
    expect(() => ticketRoutes(poolWith(), none)).not.toThrow()
    expect(() =>
      ticketRoutes(poolWith(), {
        accept: [
          { path: '/tasks/new', submit },
          { path: '/reports', submit },
          { path: '/reportsx', submit }
        ],
        ticketPath: '/reports'
      })
    ).not.toThrow()
    expect(() =>
      ticketRoutes(poolWith(), { basePath: '', publicUrl: 'http://localhost:8080', accept: [{ path: '/', submit }] })
    ).not.toThrow()
  })
})
