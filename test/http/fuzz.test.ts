/** Arbitrary requests: each reply is a documented one, and only a request that is answered with 202 is queued. */
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { HttpReply, HttpRequest } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { ticketServer } from '../../examples/demo/ticket-server.js'
import { anyRequest, type DrawnRequest } from './support/any-request.js'
import { everyAnswer } from './support/documented.js'
import { FuzzWorld, resourceOf, type Step } from './support/fuzz-world.js'
import { chunksOf, parse } from './support/raw.js'

// After a failure fast-check reports the seed and the shortest session, which takes time to find.
vi.setConfig({ testTimeout: 240_000 })

const SEED = 9110

const session: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { arbitrary: anyRequest as fc.Arbitrary<Step>, weight: 100 },
    { arbitrary: anyRequest.map((request): Step => ({ ...request, leaves: true })), weight: 2 },
    { arbitrary: fc.record({ ends: fc.nat({ max: 7 }) }), weight: 15 },
    { arbitrary: fc.record({ passes: fc.constantFrom(10, 300, 2_000, 16_000, 30_000) }), weight: 3 },
    { arbitrary: fc.constant('leaves'), weight: 4 },
    { arbitrary: fc.constant('stops'), weight: 1 }
  ),
  { maxLength: 100, size: 'max' }
)

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0)

describe('any request', () => {
  it('is answered as the contract says, and leaves nothing behind', async () => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(session, async (steps) => {
        const world = new FuzzWorld(seen)
        for (const step of steps) await world.take(step)
        await world.end()
      }),
      { seed: SEED, numRuns: 800 }
    )
    expect(sum(seen.values())).toBeGreaterThan(20_000)
    expect(everyAnswer().filter((answer) => !seen.has(answer))).toEqual([])
  })
})

/** A request, and changed bytes in its request line and header fields. */
interface RawRequest extends DrawnRequest {
  readonly noise: readonly (readonly [at: number, byte: number])[]
}

const byte = fc.integer({ min: 0, max: 255 }).filter((code) => code !== 0x0a && code !== 0x0d)
const rawRequest: fc.Arbitrary<RawRequest> = fc
  .tuple(anyRequest, fc.oneof(fc.constant([]), fc.array(fc.tuple(fc.nat(), byte), { maxLength: 3 })))
  .map(([request, noise]) => ({ ...request, noise }))

/** The end of a message must stay unambiguous, or both sides wait for each other. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'host'])

/** The bytes of a request: with a length or in chunks, without the last chunk when the body ends early. */
function bytesOf({ method, headers, chunks, breaks, noise }: RawRequest, target: string): Buffer {
  const fields = Object.entries(headers)
    .filter(([name]) => !FRAMING.has(name))
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}\r\n`))
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${fields.join('')}`, 'latin1')
  for (const [at, code] of noise) {
    const index = at % head.length
    if (head[index] !== 0x0d && head[index] !== 0x0a) head[index] = code
  }
  const rest = 'Host: localhost\r\nConnection: close\r\n'
  if (!breaks) {
    const body = Buffer.concat(chunks)
    return Buffer.concat([head, Buffer.from(`${rest}Content-Length: ${body.byteLength}\r\n\r\n`), body])
  }
  const pieces = chunks
    .filter(({ byteLength }) => byteLength > 0)
    .flatMap((piece) => [Buffer.from(`${piece.byteLength.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
  return Buffer.concat([
    head,
    Buffer.from(`${rest}Transfer-Encoding: chunked\r\n\r\n`),
    ...pieces,
    Buffer.from('zz\r\n')
  ])
}

/** Node's own refusals, which have no body. */
const OWN_REFUSAL = /^HTTP\/1\.1 (?:400|431) [^\r]+\r\nConnection: close\r\n\r\n$/

/** Pool and routes behind a socket. */
class SocketWorld extends FuzzWorld {
  /** The requests that reached the routes, and their replies. */
  readonly decided: { readonly request: HttpRequest; readonly reply: Promise<HttpReply | undefined> }[] = []
  readonly #server = ticketServer(
    nodeListener({
      handle: (request) => {
        const reply = this.routes.handle(request)
        this.decided.push({ request, reply })
        return reply
      }
    })
  )

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async close(): Promise<void> {
    await this.end()
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /** All bytes until the connection ends or an event arrives. The clock advances, so that no request stays held. */
  async exchange(bytes: Buffer): Promise<string> {
    const socket = connect((this.#server.address() as AddressInfo).port, '127.0.0.1')
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.includes('text/event-stream') && text.includes('\n\n\r\n')) socket.destroy()
    })
    socket.write(bytes)
    while (!socket.closed) await this.clock.advance(5_000)
    return text
  }

  /** Sends a request and checks its reply. Returns whether the request reached the routes. */
  async send(drawn: RawRequest): Promise<boolean> {
    const before = this.decided.length
    const text = await this.exchange(bytesOf(drawn, this.targetOf(drawn)))
    const arrived = this.decided[before]
    if (arrived === undefined) {
      if (text !== '') expect(text).toMatch(OWN_REFUSAL) // CONNECT gets no answer
      return false
    }
    if (drawn.breaks && (text === '' || OWN_REFUSAL.test(text))) {
      this.check()
      return true
    }
    const { request } = arrived
    const reply = await arrived.reply
    const raw = parse(text)
    const body = raw.headers.get('transfer-encoding') === 'chunked' ? chunksOf(raw.body).join('') : raw.body
    const resource = resourceOf(request.method, request.target)
    expect(raw.status).toBe(reply?.status ?? 404)
    if (resource === undefined || reply === undefined) {
      expect([resource, reply, raw.status]).toEqual([undefined, undefined, 404])
      return true
    }
    for (const [name, value] of Object.entries(reply.headers)) expect(raw.headers.get(name.toLowerCase())).toBe(value)
    if (typeof reply.body !== 'object') expect(body).toBe(reply.body ?? '')
    const expected = this.expected(request, Buffer.concat(drawn.chunks), drawn.breaks)
    this.look(request, resource, { status: raw.status, headers: raw.headers, body }, expected)
    this.check()
    return true
  }
}

describe('any bytes on a socket', () => {
  it('are answered as the contract says, or refused by the server before they are a request', async () => {
    const counts = { arrived: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(rawRequest, { maxLength: 60, size: 'max' }), async (requests) => {
        const world = new SocketWorld()
        await world.listen()
        try {
          for (const each of requests) counts[(await world.send(each)) ? 'arrived' : 'refused']++
        } finally {
          await world.close()
        }
      }),
      { seed: SEED, numRuns: 20 }
    )
    expect(counts.arrived).toBeGreaterThan(300)
    expect(counts.refused).toBeGreaterThan(30)
  })
})
