import type { HttpReply, TicketStatus } from 'coatcheck/http'

/** One block of a stream of events, up to its empty line. */
export interface EventBlock {
  readonly text: string
  /** Its fields; a comment has none. */
  readonly fields: Readonly<Record<string, string>>
  /** The status in its data. */
  readonly status: TicketStatus | undefined
}

/** Parses the fields of a block by the standard, for lines that all have a colon. */
export function eventBlock(text: string): EventBlock {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith(':'))
  const fields = Object.fromEntries(lines.map((line) => /^(\w+): (.*)$/s.exec(line)?.slice(1) as [string, string]))
  const { data } = fields
  return { text, fields, status: data === undefined ? undefined : (JSON.parse(data) as TicketStatus) }
}

/** Reads a reply in pieces, one at a time. */
export class EventReader {
  readonly pieces: EventBlock[] = []
  isOver = false
  readonly #iterator: AsyncIterator<string>

  constructor(reply: HttpReply | undefined) {
    const body = reply?.body
    if (typeof body !== 'object') throw new Error(`expected a stream, got ${reply?.status} ${body}`)
    this.#iterator = body[Symbol.asyncIterator]()
  }

  get last(): EventBlock | undefined {
    return this.pieces.at(-1)
  }

  /** Reads one piece. */
  async take(): Promise<void> {
    const { done, value } = await this.#iterator.next()
    if (done === true) this.isOver = true
    else this.pieces.push(eventBlock(value))
  }

  /** Reads all pieces without pause. */
  async takeAll(): Promise<void> {
    while (!this.isOver) await this.take()
  }

  async leave(): Promise<void> {
    await this.#iterator.return?.()
  }
}
