import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Ticket } from '../../src/task/task.js'
import { TicketTable } from '../../src/tickets/ticket-table.js'
import { ManualClock } from '../support/manual-clock.js'

/** Returns ascending bytes, so that a lost or reused byte is detected. */
class CountingClock extends ManualClock {
  asked: number[] = []
  #byte = 0

  override randomBytes(count: number): Uint8Array {
    this.asked.push(count)
    return Uint8Array.from({ length: count }, () => this.#byte++ % 256)
  }
}

class Owner {
  ticket!: Ticket

  get text(): string {
    return this.ticket.text
  }
}

function issue(book: TicketTable<Owner>): Owner {
  const owner = new Owner()
  owner.ticket = book.issue(owner)
  return owner
}

describe('TicketTable', () => {
  it('generates unique url-safe tickets of 28 characters', () => {
    const book = new TicketTable<Owner>(new ManualClock())
    const made = Array.from({ length: 10_000 }, () => book.issue(undefined).text)
    for (const id of made) if (!/^[A-Za-z0-9_-]{28}$/.test(id)) expect(id).toBe('28 characters of base64url')
    expect(new Set(made).size).toBe(10_000)
  })

  it('puts 136 random bits unchanged into each ticket, and uses each once', () => {
    const clock = new CountingClock()
    const book = new TicketTable<Owner>(clock)
    for (let n = 0; n < 48; n++) {
      const bytes = [...Buffer.from(book.issue(undefined).text, 'base64url')]
      expect(bytes).toHaveLength(21)
      expect(bytes.slice(0, 17)).toEqual(Array.from({ length: 17 }, (_, at) => (n * 21 + at) % 256))
    }
  })

  it('reads random bytes on demand, for 48 blocks of sixteen tickets at a time', () => {
    const clock = new CountingClock()
    const book = new TicketTable<Owner>(clock)
    expect(clock.asked).toEqual([])
    for (let n = 0; n < 48 * 16; n++) book.issue(undefined)
    expect(clock.asked).toEqual([16_128])
    book.issue(undefined)
    expect(clock.asked).toEqual([16_128, 16_128])
  })

  it('accepts any Uint8Array, and keeps block numbers distinct if the bytes repeat', () => {
    const clock = new ManualClock()
    clock.randomBytes = (count) => new Uint8Array(new ArrayBuffer(count + 8), 8)
    const book = new TicketTable<Owner>(clock)
    const owners = Array.from({ length: 40 }, () => issue(book))
    expect(owners[0]?.text).toBe('A'.repeat(28))
    expect(new Set(owners.map(({ text }) => text)).size).toBe(40)
    for (const owner of owners) expect(book.find(owner.text)).toBe(owner)
  })

  it('finds the owner of each ticket until it is forgotten, and of no other text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant('issue' as const), fc.constant('to nobody' as const), fc.nat(200)), {
          size: 'max',
          maxLength: 300
        }),
        (steps) => {
          const book = new TicketTable<Owner>(new ManualClock())
          const kept: Owner[] = []
          const gone: Owner[] = []
          for (const step of steps) {
            if (step === 'issue') kept.push(issue(book))
            else if (step === 'to nobody') gone.push(Object.assign(new Owner(), { ticket: book.issue(undefined) }))
            else if (kept.length > 0) {
              const [owner] = kept.splice(step % kept.length, 1) as [Owner]
              owner.ticket.forget()
              gone.push(owner)
            }
          }
          for (const owner of kept) expect(book.find(owner.text)).toBe(owner)
          for (const owner of gone) {
            expect(book.find(owner.text)).toBeUndefined()
            owner.ticket.forget()
          }
          for (const owner of kept) expect(book.find(owner.text), 'though others were forgotten twice').toBe(owner)
        }
      )
    )
  })

  it('finds an owner only by the whole ticket', () => {
    const book = new TicketTable<Owner>(new ManualClock())
    const { text: ticket } = issue(book)
    for (let at = 0; at < ticket.length; at++) {
      const other = ticket[at] === 'A' ? 'B' : 'A'
      expect(book.find(ticket.slice(0, at) + other + ticket.slice(at + 1))).toBeUndefined()
    }
    for (const text of [
      '',
      ticket.slice(0, -1),
      `${ticket}A`,
      ` ${ticket}`,
      ticket.toLowerCase(),
      '\u{1f9e5}'.repeat(28)
    ])
      expect(book.find(text)).toBeUndefined()
  })

  it('reveals no random bits of one ticket in another', () => {
    const clock = new ManualClock()
    clock.randomBytes = (count) => createHash('shake256', { outputLength: count }).digest() // deterministic: no random match in any run
    const book = new TicketTable<Owner>(clock)
    for (let page = 0; page < 12; page++) {
      const tickets = Array.from({ length: 16 }, () => Buffer.from(book.issue(undefined).text, 'base64url'))
      const number = (tickets[0] as Buffer).readUInt32BE(17) >>> 8
      const parts = tickets.flatMap((ticket) =>
        Array.from({ length: 14 }, (_, at) => ticket.readUInt32BE(at) & 0x3fffff)
      )
      expect(parts, 'the number of the page is cut out of none').not.toContain(number)
    }
  })

  it('removes a block once none of its tickets has an owner', () => {
    const clock = new ManualClock()
    clock.randomBytes = (count) => new Uint8Array(count)
    const book = new TicketTable<Owner>(clock)
    const first = issue(book)
    first.ticket.forget()
    for (let n = 1; n < 16; n++) book.issue(undefined)
    expect(issue(book).text, 'its number is free again').toBe(first.text)
  })

  it('removes a block whose tickets are all forgotten', () => {
    const clock = new ManualClock()
    clock.randomBytes = (count) => new Uint8Array(count)
    const book = new TicketTable<Owner>(clock)
    const page = (): Owner[] => Array.from({ length: 16 }, () => issue(book))
    const first = page()
    const second = page()
    for (const owner of first) owner.ticket.forget()
    const third = page()
    expect(
      third.map(({ text }) => text),
      'its number is free again'
    ).toEqual(first.map(({ text }) => text))
    for (const owner of [...second, ...third]) expect(book.find(owner.text)).toBe(owner)
  })
})
