import { type Cipher, createCipheriv, createDecipheriv, type Decipher } from 'node:crypto'

/** Bytes of a ticket: one block of the cipher, of which the first six hold the number and ten are random. */
const BYTES = 16
const NUMBER_BYTES = 6
/** The same as base64url, without padding. */
const CHARACTERS = 22
const TICKETS_AT_A_TIME = 64

/**
 * Tickets that contain the number of their task, encrypted (AES-128, FIPS 197, one block each): a store finds the row of
 * a ticket without an index on tickets, and nobody else learns or guesses a number.
 */
export class TicketCipher {
  // One block is one update: ciphers in this mode keep no state between blocks, and without padding hold none back.
  readonly #cipher: Cipher
  readonly #decipher: Decipher
  readonly #randomBytes: (count: number) => Uint8Array
  #random: Uint8Array = new Uint8Array(0)
  #used = 0

  /** @param secret - 16 bytes or more as base64url */
  constructor(secret: string, randomBytes: (count: number) => Uint8Array) {
    const key = Buffer.from(secret, 'base64url').subarray(0, BYTES)
    this.#cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
    this.#decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false)
    this.#randomBytes = randomBytes
  }

  /** A new ticket for the task with this number, from 0 to 2^48 − 1. */
  seal(seq: number): string {
    if (this.#used === this.#random.length) {
      this.#random = this.#randomBytes(TICKETS_AT_A_TIME * BYTES)
      this.#used = 0
    }
    const block = Buffer.from(this.#random.subarray(this.#used, this.#used + BYTES))
    this.#used += BYTES
    block.writeUIntBE(seq, 0, NUMBER_BYTES)
    return this.#cipher.update(block).toString('base64url')
  }

  /** The number in a ticket; any text of the right form has one, so the row's own ticket must be compared. */
  open(ticket: string): number | undefined {
    if (ticket.length !== CHARACTERS) return undefined
    const bytes = Buffer.from(ticket, 'base64url')
    if (bytes.length !== BYTES) return undefined
    return this.#decipher.update(bytes).readUIntBE(0, NUMBER_BYTES)
  }
}
