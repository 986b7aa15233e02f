import { type TaskContext, WorkerPool } from 'coatcheck'
import { type HttpReply, type HttpRequest, invalidField, type JsonObject, ticketRoutes } from 'coatcheck/http'
import { ManualClock } from '../../support/manual-clock.js'
import { type DrawnRequest, isJsonObject, isJsonType, isKey, MAX_BODY_BYTES } from './any-request.js'
import { documented, type Resource, readReply, type SeenReply } from './documented.js'

/** An event between requests. */
export type Happening = { readonly ends: number } | { readonly passes: number } | 'leaves' | 'stops'

export type Step = (DrawnRequest & { readonly leaves?: boolean }) | Happening

const HOLDS = { perTicket: 2, perOwner: 3, total: 5 }

const SECRET = 'EACCES /srv/secret.pem'

/** How tasks end; the last half of them fail. */
const ENDS: readonly (() => unknown)[] = [
  () => ({ pages: 7 }),
  () => undefined,
  () => 1n,
  () => '\u2028</script>\r\n\ud800',
  () => {
    throw new Error(SECRET)
  },
  () => {
    throw Object.assign(new Error('out of paper'), { expose: true, code: 'E_PAPER\r\nSet-Cookie: a=b' })
  },
  () => {
    throw SECRET
  },
  () => {
    throw new Proxy(
      {},
      {
        get: () => {
          throw new Error(SECRET)
        }
      }
    )
  }
]

const ACCEPTING: ReadonlySet<string> = new Set(['/tasks', '/reports', '/patient'])

/** The resource of a request, by its target. */
export function resourceOf(method: string, target: string): Resource | undefined {
  const absolute = /^https?:\/\/[^/?]*/i.exec(target)?.[0]
  const [path = ''] = target.slice(absolute?.length ?? 0).split('?')
  if (absolute === undefined && !path.startsWith('/')) return undefined
  if (path === '/livez' || path === '/readyz') return path.slice(1) as Resource
  if (path === '/tasks') return method === 'POST' ? 'accepting' : 'tasks'
  if (ACCEPTING.has(path)) return 'accepting'
  const [root, tasks, , events, ...more] = path.split('/')
  if (root !== '' || tasks !== 'tasks' || path.split('/').length < 3 || more.length > 0) return undefined
  if (events === undefined) return 'ticket'
  return events === 'events' ? 'events' : undefined
}

interface ClientRequest {
  readonly request: HttpRequest
  readonly resource: Resource | undefined
  readonly client: AbortController
  /** The possible answers. */
  readonly expected: readonly string[]
  answer?: { readonly reply: HttpReply | undefined }
  stream?: { text: string; isOver: boolean }
}

/** A pool and its routes for arbitrary requests. Checks every reply, and the pool's counters after each step. */
export class FuzzWorld {
  readonly clock = new ManualClock()
  readonly pool: WorkerPool
  readonly routes: ReturnType<typeof ticketRoutes>
  /** The count of each answer. */
  readonly seen: Map<string, number>
  readonly #errors: unknown[] = []
  readonly #ids: string[] = []
  readonly #running: ((how: () => unknown) => void)[] = []
  readonly #held = new Set<ClientRequest>()
  readonly #streams = new Set<ClientRequest>()
  #handedIn = 0

  constructor(seen = new Map<string, number>()) {
    this.seen = seen
    this.pool = new WorkerPool({
      concurrency: 2,
      queueCapacity: 4,
      waiterCapacity: 2,
      perKey: { queueCapacity: 3 },
      clock: this.clock,
      retention: { ms: Number.POSITIVE_INFINITY },
      onUnobservedError: () => {}
    }).start()
    const work = (context: TaskContext) => this.#work(context)
    this.routes = ticketRoutes(this.pool, {
      clock: this.clock,
      maxBodyBytes: MAX_BODY_BYTES,
      owner: ({ headers }) => headers['x-user'] as string | undefined,
      authorize: ({ owner }, { key }) => key === undefined || key === owner,
      longPolls: HOLDS,
      streams: HOLDS,
      onError: (error) => void this.#errors.push(error),
      accept: [
        { path: '/tasks', submit: (_, { owner }) => this.pool.queueTask(work, { key: owner }) },
        { path: '/reports', submit: (input, { owner }) => this.pool.queueTask(work, { key: owner, id: idIn(input) }) },
        {
          path: '/patient',
          submit: (_, { owner, signal }) =>
            this.pool.queueTaskWhenFree(work, { key: owner, waitMs: 2_000, waitSignal: signal })
        }
      ]
    })
  }

  /** The target with the ids of tickets that exist. */
  targetOf({ target: [before, ticket, after] }: DrawnRequest): string {
    const id =
      typeof ticket === 'number' ? (this.#ids.at(-1 - (ticket % Math.max(1, this.#ids.length))) ?? 'nobody') : ticket
    return before + (id ?? '') + after
  }

  async take(step: Step): Promise<void> {
    if (step === 'leaves') this.#nextToLeave()?.client.abort()
    else if (step === 'stops') void this.pool.stop({ graceMs: 0, forceMs: 0 })
    else if ('ends' in step) this.#running.shift()?.(ENDS[step.ends % ENDS.length]!)
    else if ('passes' in step) await this.clock.advance(step.passes)
    else this.#send(step)
    await this.clock.turn()
    this.check()
  }

  /** Stops the pool. Then every request is answered, every stream has ended, and no listener is left. */
  async end(): Promise<void> {
    const stopped = this.pool.stop({ graceMs: 0, forceMs: 0 })
    await this.clock.advance(60_000)
    await stopped
    this.check()
    must(this.#held.size === 0, 'everybody is answered in the end')
    must(this.#streams.size === 0, 'every stream ends with the pool')
    must(this.clock.timers() === 0, 'no timer is left behind')
  }

  /** Checks the replies since the last call, and the counters. */
  check(): void {
    for (const sent of this.#held) {
      if (sent.answer === undefined) {
        must(mayBeHeld(sent), `${sent.request.method} ${sent.resource} is answered at once`)
        continue
      }
      this.#held.delete(sent)
      this.#judge(sent, sent.answer.reply)
    }
    for (const sent of this.#streams) {
      if (sent.stream?.isOver !== true) continue
      this.#streams.delete(sent)
      if (!sent.client.signal.aborted) must(/"done":true|retry: 5000/.test(sent.stream.text), 'it tells the end')
    }
    if (this.#errors.length > 0) throw this.#errors[0]
    must(this.pool.stats().totals.accepted === this.#handedIn, 'what was queued is what was answered with 202')
  }

  /** The possible answers to a request, by the order of the checks. */
  expected(request: HttpRequest, bytes: Uint8Array, breaks: boolean): readonly string[] {
    const { method, headers } = request
    const resource = resourceOf(method, request.target)
    if (resource === undefined) return []
    const all = documented(resource, method)
    if (resource !== 'accepting' || method !== 'POST') return all
    if (this.pool.state !== 'running') return ['503 POOL_STOPPED']
    const isJson = isJsonType(String(headers['content-type'] ?? ''))
    if ((headers['content-encoding'] ?? '') !== '' || isJson === false) return ['415 UNSUPPORTED_MEDIA_TYPE']
    if (isJson === undefined) return all
    if (Number(headers['content-length']) > MAX_BODY_BYTES || bytes.byteLength > MAX_BODY_BYTES) {
      return ['413 BODY_TOO_LARGE']
    }
    if (breaks || !isJsonObject(bytes)) return ['400 INVALID_BODY']
    const key = headers['idempotency-key']
    if (typeof key === 'string' && !isKey(key)) return ['400 INVALID_IDEMPOTENCY_KEY']
    const isGone = (each: string) => /413|415|INVALID_IDEMPOTENCY_KEY/.test(each)
    return all.filter((each) => !isGone(each) && (key !== undefined || !each.startsWith('422')))
  }

  /** Checks a reply: its form, and whether it is one of the possible ones. */
  look(request: HttpRequest, resource: Resource, reply: SeenReply, expected: readonly string[]): void {
    const said = readReply(request.method, resource, reply)
    must(expected.includes(said), `${said} is one of ${expected.join(', ')}`)
    must(!/ {4}at |\.ts:\d|node:internal|secret\.pem|evil\.example/.test(reply.body ?? ''), 'nothing leaks into a body')
    must(!/evil\.example|secret\.pem/.test([...reply.headers.values()].join()), 'nothing leaks into a header')
    const name = said.startsWith('405') ? said : `${request.method} ${resource} ${said}`
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1)
    if (resource !== 'accepting' || reply.status !== 202 || reply.headers.has('idempotent-replayed')) return
    this.#handedIn++
    this.#ids.push(reply.headers.get('location')!.slice('/tasks/'.length))
  }

  #send(drawn: DrawnRequest & { readonly leaves?: boolean }): void {
    const client = new AbortController()
    if (drawn.leaves === true) client.abort()
    const { method, headers, chunks, breaks } = drawn
    const request: HttpRequest = {
      method,
      target: this.targetOf(drawn),
      headers,
      body: async function* () {
        yield* chunks
        if (breaks) throw new Error('aborted')
      },
      signal: client.signal
    }
    const expected = this.expected(request, Buffer.concat(chunks), breaks)
    const sent: ClientRequest = { request, resource: resourceOf(method, request.target), client, expected }
    this.#held.add(sent)
    void this.routes.handle(request).then((reply) => {
      sent.answer = { reply }
      if (typeof reply?.body === 'object') void read(sent, reply.body)
    })
  }

  #judge(sent: ClientRequest, reply: HttpReply | undefined): void {
    const { request, resource, client, expected, stream } = sent
    if (resource === undefined || reply === undefined) {
      must(resource === undefined && reply === undefined, 'the routes answer for their paths, and for no others')
      return
    }
    if (stream !== undefined && !stream.isOver) this.#streams.add(sent)
    const headers = new Map(Object.entries(reply.headers).map(([name, value]) => [name.toLowerCase(), value]))
    const body = typeof reply.body === 'object' ? stream?.text : reply.body
    if (stream?.text === '' && client.signal.aborted) return
    this.look(request, resource, { status: reply.status, headers, body }, expected)
  }

  /** The next client to leave: one whose request is held, else one that reads a stream. */
  #nextToLeave(): ClientRequest | undefined {
    for (const sent of [...this.#held, ...this.#streams]) {
      if (!sent.client.signal.aborted) return sent
    }
    return undefined
  }

  /** A task that waits for its end; every second one ignores its signal. */
  #work(context: TaskContext): Promise<unknown> {
    return new Promise((resolve, reject) => {
      context.progress(0.5, 'half\r\nway')
      this.#running.push((how) => {
        try {
          resolve(how())
        } catch (error) {
          reject(error)
        }
      })
      if (this.#running.length % 2 === 0) return
      context.signal.addEventListener('abort', () => reject(context.signal.reason), { once: true })
    })
  }
}

async function read(sent: ClientRequest, body: AsyncIterable<string>): Promise<void> {
  const stream = { text: '', isOver: false }
  sent.stream = stream
  for await (const piece of body) stream.text += piece
  stream.isOver = true
}

/** Whether a request may stay unanswered: it waits for a change, for room, or for another with the same key. */
function mayBeHeld({ request: { method, headers }, resource }: ClientRequest): boolean {
  if (resource === 'ticket') return method === 'GET' && headers['prefer'] !== undefined
  return resource === 'accepting' && method === 'POST'
}

function idIn(input: JsonObject): string | undefined {
  const id = Object.hasOwn(input, 'id') ? input['id'] : undefined
  if (id === undefined) return undefined
  if (typeof id !== 'string' || !/^[a-z][0-9]?$/.test(id)) throw invalidField('/id', 'must be a letter, and a digit')
  return id
}

function must(isSo: boolean, rule: string): void {
  if (!isSo) throw new Error(`not so: ${rule}`)
}
