import type { Clock } from '../ports/clock.js'
import type { Ticket } from '../task/task.js'

/** Bytes of a ticket: 17 random bytes and 4 bytes of position. */
const BYTES = 21
/** The same as base64url, without padding. */
const CHARACTERS = 28
/** Tickets per block. Few, because one retained ticket keeps its block in memory with the text of all its tickets. */
const SLOTS = 16
const BLOCK_BYTES = SLOTS * BYTES
/** Blocks for which random bytes are read at a time. */
const BLOCKS_AT_A_TIME = 48
/** The last five characters of a ticket hold 30 bits: 22 of the block number, 8 of the slot. */
const SLOT_BITS = 8
const SLOT_MASK = 0xff
const BLOCK_NUMBERS = 0x400000

/**
 * Generates tickets and finds the owner of a ticket.
 *
 * ```
 *                    136 random bits   block   slot
 *   Zk3v0mJxYq2L8s1RwTnA9cB      │ ──► number, ──► 0 … 15
 * ```
 *
 * A ticket contains its position: the number of its block and a slot in it. It is valid if its whole text equals the
 * text at that position, so no map of all tickets is needed. Block numbers are random. A block is removed once all its
 * tickets are forgotten.
 */
export class TicketTable<T> {
  readonly #clock: Clock
  readonly #blocks = new Blocks<T>()
  /** The block that tickets are issued from. */
  #block: Block<T> | undefined
  #random: Buffer = Buffer.alloc(0)
  /** Random bytes that are used. */
  #used = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Generates a ticket. It finds its owner until it is forgotten; without an owner it is never found. */
  issue(owner: T | undefined): Ticket {
    const block = this.#block === undefined || this.#block.isFull ? this.#nextBlock() : this.#block
    return block.issue(owner)
  }

  /** The owner of a ticket. */
  find(text: string): T | undefined {
    const slot = slotOf(text)
    const block = this.#blocks.get(slot >>> SLOT_BITS)
    return block === null ? undefined : block.find(slot & SLOT_MASK, text)
  }

  #nextBlock(): Block<T> {
    if (this.#used === this.#random.length) this.#readRandom()
    const bytes = this.#random
    const start = this.#used
    this.#used += BLOCK_BYTES
    let number = bytes.readUInt32BE(start + BYTES - 4) % BLOCK_NUMBERS // these random bytes are overwritten below
    while (this.#blocks.get(number) !== null) number = (number + 1) % BLOCK_NUMBERS
    for (let slot = 0; slot < SLOTS; slot++) {
      const end = start + (slot + 1) * BYTES
      bytes[end - 4] = number >>> 16
      bytes[end - 3] = number >>> 8
      bytes[end - 2] = number
      bytes[end - 1] = slot
    }
    this.#block = new Block<T>(this.#blocks, number, bytes.toString('base64url', start, this.#used))
    return this.#block
  }

  #readRandom(): void {
    this.#random = Buffer.from(this.#clock.randomBytes(BLOCKS_AT_A_TIME * BLOCK_BYTES))
    this.#used = 0
  }
}

/** A ticket as a position in a block. Its text is sliced from the block's text when read. */
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
  readonly number: number
  /** The next one in its bucket. */
  next: Block<T> | null = null
  readonly #blocks: Blocks<T>
  readonly #text: string
  /** The owners of the issued tickets that are not forgotten. */
  readonly #owners: (T | undefined)[] = []
  /** Issued tickets that are forgotten. */
  #forgotten = 0

  constructor(blocks: Blocks<T>, number: number, text: string) {
    this.number = number
    this.#blocks = blocks
    this.#text = text
    blocks.add(this)
  }

  get isFull(): boolean {
    return this.#owners.length === SLOTS
  }

  issue(owner: T | undefined): Ticket {
    const slot = this.#owners.push(owner) - 1
    if (owner === undefined) this.#countForgotten()
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
    this.#countForgotten()
  }

  /** Removes the block with the last of its tickets. */
  #countForgotten(): void {
    if (++this.#forgotten === SLOTS) this.#blocks.remove(this)
  }
}

/** Buckets of an empty table; the number of buckets is a power of two. */
const MIN_BUCKETS = 64

/**
 * The blocks by their numbers. A `Map` in which entries come and go leaves its former tables behind, each referring to the
 * next one and to the blocks of its time: once one of them is old, the collector copies them all until it looks at the old ones.
 */
class Blocks<T> {
  #buckets: (Block<T> | null)[] = new Array(MIN_BUCKETS).fill(null)
  #size = 0

  get(number: number): Block<T> | null {
    let block = this.#buckets[this.#bucketOf(number)] as Block<T> | null
    while (block !== null && block.number !== number) block = block.next
    return block
  }

  add(block: Block<T>): void {
    if (++this.#size > this.#buckets.length) this.#resize(this.#buckets.length * 2)
    this.#link(block)
  }

  remove(block: Block<T>): void {
    const bucket = this.#bucketOf(block.number)
    let before = this.#buckets[bucket] as Block<T>
    if (before === block) this.#buckets[bucket] = block.next
    else {
      while (before.next !== block) before = before.next as Block<T>
      before.next = block.next
    }
    block.next = null
    const { length } = this.#buckets
    if (--this.#size < length / 8 && length > MIN_BUCKETS) this.#resize(length / 2)
  }

  #bucketOf(number: number): number {
    return number & (this.#buckets.length - 1)
  }

  #link(block: Block<T>): void {
    const bucket = this.#bucketOf(block.number)
    block.next = this.#buckets[bucket] as Block<T> | null
    this.#buckets[bucket] = block
  }

  #resize(length: number): void {
    const former = this.#buckets
    this.#buckets = new Array(length).fill(null)
    for (const first of former) {
      for (let block = first; block !== null; ) {
        const { next } = block
        this.#link(block)
        block = next
      }
    }
  }
}

/** The value of each digit of base64url, by its character code. */
const DIGITS = /* @__PURE__ */ digits('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')

function digits(alphabet: string): Uint8Array {
  const values = new Uint8Array(128)
  for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value
  return values
}

/** Position encoded in a generated ticket. For any other text the result is arbitrary. */
function slotOf(text: string): number {
  let slot = 0
  for (let at = CHARACTERS - 5; at < CHARACTERS; at++)
    slot = (slot << 6) | (DIGITS[text.charCodeAt(at) & 0x7f] as number)
  return slot
}
