import type { Clock } from '../ports/clock.js'

/** Bytes of a ticket: 17 that are random and 4 that say where it stands. */
const BYTES = 21
/** The same as base64url, without padding. */
const CHARACTERS = 28
/** Tickets of a page. Few, because one ticket that is kept keeps its page, and the page the text of all of them. */
const PAGE = 16
/** Pages for which random bytes are asked at a time. */
const PAGES = 12
/** A ticket's last five characters are 30 bits: 22 for the number of its page, 8 for its place there. */
const PLACE_BITS = 8
const PLACE_MASK = 0xff
const PAGE_NUMBERS = 0x400000

/** A ticket that went out. */
export interface Ticket {
  readonly text: string
  /** It leads nowhere from now on. */
  forget(): void
}

/**
 * Tickets, and whose they are.
 *
 * ```
 *                    136 random bits   page    place
 *   Zk3v0mJxYq2L8s1RwTnA9cB      │ ──► number, ──► 0 … 15
 * ```
 *
 * A ticket leads to its place on its page, and is good if the whole of it is found there: there is no table of all
 * tickets to be searched. Pages have random numbers, and one is gone when the last of its tickets is forgotten.
 */
export class TicketBook<T> {
  readonly #clock: Clock
  readonly #pages = new Map<number, Page<T>>()
  /** The page whose tickets go out now. */
  #page: Page<T> | undefined
  #random: Buffer = Buffer.alloc(0)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Makes a ticket. It leads to its owner until it is forgotten; one that is made out to nobody leads nowhere. */
  issue(owner: T | undefined): Ticket {
    const page = this.#page === undefined || this.#page.issued === PAGE ? this.#turn() : this.#page
    return page.issue(owner)
  }

  /** Whose ticket this is. */
  find(text: string): T | undefined {
    const place = placeOf(text)
    return this.#pages.get(place >>> PLACE_BITS)?.find(place & PLACE_MASK, text)
  }

  #turn(): Page<T> {
    const bytes = this.#takeBytes()
    let number = bytes.readUInt32BE(BYTES - 4) % PAGE_NUMBERS // random bytes of which no ticket shows anything else
    while (this.#pages.has(number)) number = (number + 1) % PAGE_NUMBERS
    for (let place = 0; place < PAGE; place++) {
      bytes.writeUInt32BE((number << PLACE_BITS) | place, place * BYTES + BYTES - 4)
    }
    this.#page = new Page<T>(this.#pages, number, bytes.toString('base64url'))
    return this.#page
  }

  #takeBytes(): Buffer {
    const count = PAGE * BYTES
    if (this.#random.length === 0) this.#random = Buffer.from(this.#clock.randomBytes(PAGES * count))
    const bytes = this.#random.subarray(0, count)
    this.#random = this.#random.subarray(count)
    return bytes
  }
}

/** A place on a page. There is one for each ticket: its text is cut out when it is looked at. */
class PlaceOnPage implements Ticket {
  readonly #page: Page<unknown>
  readonly #place: number

  constructor(page: Page<unknown>, place: number) {
    this.#page = page
    this.#place = place
  }

  get text(): string {
    return this.#page.textOf(this.#place)
  }

  forget(): void {
    this.#page.forget(this.#place)
  }
}

class Page<T> {
  issued = 0
  readonly #pages: Map<number, Page<T>>
  readonly #number: number
  readonly #text: string
  readonly #owners: (T | undefined)[] = new Array(PAGE).fill(undefined)
  /** Tickets that went out and lead nowhere. */
  #left = 0

  constructor(pages: Map<number, Page<T>>, number: number, text: string) {
    this.#pages = pages
    this.#number = number
    this.#text = text
    pages.set(number, this)
  }

  issue(owner: T | undefined): Ticket {
    const place = this.issued++
    this.#owners[place] = owner
    if (owner === undefined) this.#leave()
    return new PlaceOnPage(this, place)
  }

  textOf(place: number): string {
    return this.#text.slice(place * CHARACTERS, (place + 1) * CHARACTERS)
  }

  find(place: number, text: string): T | undefined {
    const owner = this.#owners[place]
    return owner !== undefined && this.textOf(place) === text ? owner : undefined
  }

  forget(place: number): void {
    if (this.#owners[place] === undefined) return
    this.#owners[place] = undefined
    this.#leave()
  }

  /** One of the tickets leads nowhere from now on. */
  #leave(): void {
    if (++this.#left === PAGE) this.#pages.delete(this.#number)
  }
}

const DIGITS = new Uint8Array(128)
for (const [value, digit] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].entries())
  DIGITS[digit.charCodeAt(0)] = value

/** Where a ticket of a book stands. Any other text leads anywhere. */
function placeOf(text: string): number {
  let place = 0
  for (let at = CHARACTERS - 5; at < CHARACTERS; at++)
    place = (place << 6) | (DIGITS[text.charCodeAt(at) & 0x7f] as number)
  return place
}
