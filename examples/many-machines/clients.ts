import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

/** Counts of all clients. */
export interface Counts {
  accepted: number
  refused: number
  unavailable: number
  unknown: number
  succeeded: number
  otherwise: number
}

/** Clients that order all at once, repeat what was refused, and poll their tickets: each request at the next server. */
export class Clients {
  readonly counts: Counts = { accepted: 0, refused: 0, unavailable: 0, unknown: 0, succeeded: 0, otherwise: 0 }
  readonly #servers: readonly string[]
  #turn = 0

  constructor(servers: readonly string[]) {
    this.#servers = servers
  }

  async run(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#client()))
  }

  get #next(): string {
    return this.#servers[this.#turn++ % this.#servers.length] as string
  }

  async #client(): Promise<void> {
    const path = await this.#order(randomUUID())
    for (;;) {
      await sleep(100 + Math.random() * 100)
      const answer = await fetch(this.#next + path)
      if (answer.status === 404) this.counts.unknown++
      const status = (await answer.json()) as { readonly done?: boolean; readonly status: unknown }
      if (status.done !== true) continue
      if (status.status === 'succeeded') this.counts.succeeded++
      else this.counts.otherwise++
      return
    }
  }

  /** Repeats a refused order with the same key, so that it is queued once whatever became of the first one. */
  async #order(key: string): Promise<string> {
    for (;;) {
      const answer = await fetch(`${this.#next}/tasks`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
        body: JSON.stringify({ pages: 1 + Math.floor(Math.random() * 3) })
      }).catch(() => undefined)
      const body = answer && ((await answer.json()) as { readonly code?: string })
      if (answer?.status === 202) {
        this.counts.accepted++
        return String(answer.headers.get('Location'))
      }
      if (body?.code === 'QUEUE_FULL') this.counts.refused++
      else this.counts.unavailable++
      await sleep(200 + Math.random() * 800)
    }
  }
}
