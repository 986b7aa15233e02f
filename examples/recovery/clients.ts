/** Clients that submit work, repeat what was not answered, and follow their tickets across restarts of the server. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TicketStatus } from 'coatcheck/http'

const CONCURRENT = 16
const REQUEST_TIMEOUT_MS = 2_000
/** A ticket that has no end after this time is lost. */
const PATIENCE_MS = 60_000

export class Clients {
  /** Work, and the ticket that was given for it: what must not be lost. */
  readonly tickets = new Map<number, string>()
  /** Answers that gave another ticket for the same work, which must not happen. */
  readonly contradictions: string[] = []
  readonly #url: string
  #next = 0
  #working: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(url: string) {
    this.#url = url
  }

  begin(): void {
    this.#working = Promise.all(Array.from({ length: CONCURRENT }, () => this.#submitAll()))
  }

  /** Submits nothing new; what was not answered is still repeated. */
  end(): void {
    this.#ended = true
  }

  async acknowledged(count: number): Promise<void> {
    while (this.tickets.size < count) await sleep(5)
  }

  /** The last status of each ticket; undefined for one that was lost. */
  async allEnds(): Promise<Map<string, TicketStatus | undefined>> {
    await this.#working
    const ids = [...this.tickets.values()]
    return new Map(await Promise.all(ids.map(async (id) => [id, await this.#endOf(id)] as const)))
  }

  async #submitAll(): Promise<void> {
    while (!this.#ended) await this.#submit(this.#next++)
  }

  /** The key makes a repeated request safe: the server answers with the ticket it has given before. */
  async #submit(n: number): Promise<void> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': `work-${n}` }
    for (;;) {
      const response = await this.#request('/tasks', { method: 'POST', headers, body: JSON.stringify({ n }) })
      if (response?.status === 202) return this.#accepted(n, ((await response.json()) as TicketStatus).id)
      await sleep(50)
    }
  }

  #accepted(n: number, id: string): void {
    const before = this.tickets.get(n)
    if (before !== undefined && before !== id) this.contradictions.push(`work ${n} has the tickets ${before} and ${id}`)
    this.tickets.set(n, id)
  }

  async #endOf(id: string): Promise<TicketStatus | undefined> {
    const until = performance.now() + PATIENCE_MS
    while (performance.now() < until) {
      const response = await this.#request(`/tasks/${id}`, { headers: { prefer: 'wait=1' } })
      if (response?.status === 404) return undefined
      const status = response?.ok ? ((await response.json()) as TicketStatus) : undefined
      if (status?.done) return status
      await sleep(20)
    }
    return undefined
  }

  /** The answer; undefined when there is none. */
  async #request(path: string, init: RequestInit): Promise<Response | undefined> {
    try {
      const response = await fetch(this.#url + path, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
      return new Response(await response.arrayBuffer(), response) // a body that was cut off is no answer either
    } catch {
      return undefined
    }
  }
}
