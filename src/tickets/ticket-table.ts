import type { Clock } from '../ports/clock.js'
import type { Ticket } from '../task/task.js'

/** Bytes of a ticket: 17 that are random and 4 that say where it stands. */
const BYTES = 21
/** The same as base64url, without padding. */
const CHARACTERS = 28
/** Tickets of a page. Few, because one ticket that is kept keeps its page, and the page the text of all of them. */
const SLOTS = 16
/** Pages for which random bytes are asked at a time. */
const BLOCKS_AT_A_TIME = 12
/** A ticket's last five characters are 30 bits: 22 for the number of its page, 8 for its place there. */
const SLOT_BITS = 8
const SLOT_MASK = 0xff
const BLOCK_NUMBERS = 0x400000

/**
 * Tickets, and whose they are.
 *
 * ```
 *                    136 random bits   page    slot
 *   Zk3v0mJxYq2L8s1RwTnA9cB      │ ──► number, ──► 0 … 15
 * ```
 *
 * A ticket leads to its place on its page, and is good if the whole of it is found there: there is no table of all
 * tickets to be searched. Pages have random numbers, and one is gone when the last of its tickets is forgotten.
 */
export class TicketTable<T> {
  readonly #clock: Clock
  readonly #blocks = new Map<number, Block<T>>()
  /** The page whose tickets go out now. */
  #block: Block<T> | undefined
  #random: Buffer = Buffer.alloc(0)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Makes a ticket. It leads to its owner until it is forgotten; one that is made out to nobody leads nowhere. */
  issue(owner: T | undefined): Ticket {
    const block = this.#block === undefined || this.#block.issued === SLOTS ? this.#nextBlock() : this.#block
    return block.issue(owner)
  }

  /** Whose ticket this is. */
  find(text: string): T | undefined {
    const slot = slotOf(text)
    return this.#blocks.get(slot >>> SLOT_BITS)?.find(slot & SLOT_MASK, text)
  }

  #nextBlock(): Block<T> {
    const bytes = this.#takeBytes()
    let number = bytes.readUInt32BE(BYTES - 4) % BLOCK_NUMBERS // random bytes of which no ticket shows anything else
    while (this.#blocks.has(number)) number = (number + 1) % BLOCK_NUMBERS
    for (let slot = 0; slot < SLOTS; slot++) {
      bytes.writeUInt32BE((number << SLOT_BITS) | slot, slot * BYTES + BYTES - 4)
    }
    this.#block = new Block<T>(this.#blocks, number, bytes.toString('base64url'))
    return this.#block
  }

  #takeBytes(): Buffer {
    const count = SLOTS * BYTES
    if (this.#random.length === 0) this.#random = Buffer.from(this.#clock.randomBytes(BLOCKS_AT_A_TIME * count))
    const bytes = this.#random.subarray(0, count)
    this.#random = this.#random.subarray(count)
    return bytes
  }
}

/** A place on a page. There is one for each ticket: its text is cut out when it is looked at. */
class Slot implements Ticket {
  readonly #block: Block<unknown>
  readonly #slot: number

  constructor(block: Block<unknown>, slot: number) {
    this.#block = block
    this.#slot = slot
  }

  get text(): string {
    return this.#block.textOf(this.#slot)
  }

  forget(): void {
    this.#block.forget(this.#slot)
  }
}

class Block<T> {
  issued = 0
  readonly #blocks: Map<number, Block<T>>
  readonly #number: number
  readonly #text: string
  readonly #owners: (T | undefined)[] = new Array(SLOTS).fill(undefined)
  /** Tickets that went out and lead nowhere. */
  #left = 0

  constructor(blocks: Map<number, Block<T>>, number: number, text: string) {
    this.#blocks = blocks
    this.#number = number
    this.#text = text
    blocks.set(number, this)
  }

  issue(owner: T | undefined): Ticket {
    const slot = this.issued++
    this.#owners[slot] = owner
    if (owner === undefined) this.#leave()
    return new Slot(this, slot)
  }

  textOf(slot: number): string {
    return this.#text.slice(slot * CHARACTERS, (slot + 1) * CHARACTERS)
  }

  find(slot: number, text: string): T | undefined {
    const owner = this.#owners[slot]
    return owner !== undefined && this.textOf(slot) === text ? owner : undefined
  }

  forget(slot: number): void {
    if (this.#owners[slot] === undefined) return
    this.#owners[slot] = undefined
    this.#leave()
  }

  /** One of the tickets leads nowhere from now on. */
  #leave(): void {
    if (++this.#left === SLOTS) this.#blocks.delete(this.#number)
  }
}

const DIGITS = new Uint8Array(128)
for (const [value, digit] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].entries())
  DIGITS[digit.charCodeAt(0)] = value

/** Where a ticket of a book stands. Any other text leads anywhere. */
function slotOf(text: string): number {
  let slot = 0
  for (let at = CHARACTERS - 5; at < CHARACTERS; at++)
    slot = (slot << 6) | (DIGITS[text.charCodeAt(at) & 0x7f] as number)
  return slot
}
