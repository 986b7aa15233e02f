import { setTimeout as sleep } from 'node:timers/promises'
import type { ProblemCode, TicketStatus } from 'coatcheck/http'

/** A ticket in a client's hand, and what the client last read of it. */
export interface HeldTicket {
  readonly id: string
  readonly label: string
  status: TicketStatus
}

/** What the clients counted: only what they saw over HTTP. */
export interface Tally {
  /** POSTs that were answered. */
  handedIn: number
  accepted: number
  /** By code. */
  readonly refused: Map<ProblemCode, number>
  /** Refusals that did not say when to come back, in a whole number of seconds. */
  unworded: number
  cameBack: number
  polls: number
  unchanged: number
  cancels: number
  /** Requests without an answer while the server was not ending. */
  broken: number
}

/** Work to hand in. */
export interface Order {
  readonly label: string
  readonly work: string
  readonly fail?: boolean
  /** Whether the client speaks as those of the Go program do. */
  readonly isGo?: boolean
}

/** Work that was refused because all was full. */
export interface Refused {
  readonly order: Order
  readonly seconds: number
}

/** A client that is told to wait longer than this gives up. */
const PATIENCE_SECONDS = 20

/** So often a client comes back. */
const TRIES = 2

/** A crowd of HTTP clients that hand work in, come back when told to, and follow their tickets to the end. */
export class Clients {
  readonly tickets = new Map<string, HeldTicket>()
  readonly tally: Tally = {
    handedIn: 0,
    accepted: 0,
    refused: new Map(),
    unworded: 0,
    cameBack: 0,
    polls: 0,
    unchanged: 0,
    cancels: 0,
    broken: 0
  }
  readonly #url: string
  readonly #isEnding: () => boolean
  readonly #following = new Set<Promise<void>>()

  /** @param isEnding - whether an unanswered request is no surprise */
  constructor(url: string, isEnding: () => boolean) {
    this.#url = url
    this.#isEnding = isEnding
  }

  /** Hands work in. A client that is refused is given the seconds to come back after. */
  handIn(order: Order): Promise<Refused | undefined> {
    const { isGo = false, ...body } = order
    if (!isGo) return this.#post('/tasks', body, order)
    return this.#post('/queue-task', { task_id: order.label, work_duration: order.work }, order)
  }

  /** Comes back when it was told to, and again if need be; gives up when that is too long or too often. */
  async comeBack(refused: Refused | undefined): Promise<void> {
    let again = refused
    for (let tries = 0; again !== undefined && tries < TRIES; tries++) {
      if (again.seconds > PATIENCE_SECONDS) return
      await sleep(again.seconds * 1_000)
      if (this.#isEnding()) return
      this.tally.cameBack++
      again = await this.handIn(again.order)
    }
  }

  /** Asks for the end of a ticket. */
  async cancel(ticket: HeldTicket): Promise<void> {
    const response = await this.#fetch(`/tasks/${ticket.id}`, { method: 'DELETE' })
    if (response === undefined) return
    this.tally.cancels++
    if (response.ok) ticket.status = (await response.json()) as TicketStatus
    else await response.body?.cancel()
  }

  /** Waits until every ticket is done or the server is gone. */
  async followed(): Promise<void> {
    while (this.#following.size > 0) await Promise.all(this.#following)
  }

  async #post(path: string, body: unknown, order: Order): Promise<Refused | undefined> {
    const response = await this.#fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    if (response === undefined) return undefined
    this.tally.handedIn++
    const answer = (await response.json()) as { readonly id: string; readonly code: ProblemCode }
    if (response.status === 202) {
      this.tally.accepted++
      this.#follow(answer.id, order.label)
      return undefined
    }
    const { code } = answer
    this.tally.refused.set(code, (this.tally.refused.get(code) ?? 0) + 1)
    const retryAfter = response.headers.get('retry-after')
    if (retryAfter === null || !/^\d+$/.test(retryAfter)) this.tally.unworded++
    return code === 'QUEUE_FULL' ? { order, seconds: Number(retryAfter) } : undefined
  }

  #follow(id: string, label: string): void {
    const following = this.#poll(id, label).finally(() => this.#following.delete(following))
    this.#following.add(following)
  }

  async #poll(id: string, label: string): Promise<void> {
    let tag: string | null = null
    for (;;) {
      const response: Response | undefined = await this.#fetch(`/tasks/${id}`, {
        headers: tag === null ? {} : { 'if-none-match': tag }
      })
      if (response === undefined) return
      this.tally.polls++
      tag = response.headers.get('etag')
      if (response.status === 304) this.tally.unchanged++
      else this.#note(label, (await response.json()) as TicketStatus)
      const pollAfterMs = this.tickets.get(id)?.status.pollAfterMs
      if (typeof pollAfterMs !== 'number') return
      await sleep(pollAfterMs)
    }
  }

  #note(label: string, status: TicketStatus): void {
    const held = this.tickets.get(status.id)
    if (held === undefined) this.tickets.set(status.id, { id: status.id, label, status })
    // A cancel and a poll may overtake each other.
    else if (status.revision >= held.status.revision) held.status = status
  }

  async #fetch(path: string, init: RequestInit): Promise<Response | undefined> {
    try {
      return await fetch(this.#url + path, init)
    } catch {
      if (!this.#isEnding()) this.tally.broken++
      return undefined
    }
  }
}
