import { describe, expect, it } from 'vitest'
import { TicketIds } from '../src/ticket-ids.js'
import { ManualClock } from './support/manual-clock.js'

/** Its bytes count up, so that none can be lost or used twice without being seen. */
class CountingClock extends ManualClock {
  asked: number[] = []
  #byte = 0

  override randomBytes(count: number): Uint8Array {
    this.asked.push(count)
    return Uint8Array.from({ length: count }, () => this.#byte++ % 256)
  }
}

describe('TicketIds', () => {
  it('are 22 characters that a url may hold as they are, none like another', () => {
    const ids = new TicketIds(new ManualClock())
    const made = Array.from({ length: 10_000 }, () => ids.next())
    for (const id of made) if (!/^[A-Za-z0-9_-]{22}$/.test(id)) expect(id).toBe('22 characters of base64url')
    expect(new Set(made).size).toBe(10_000)
  })

  it('hold 128 random bits each, all of them, each bit once', () => {
    const clock = new CountingClock()
    const ids = new TicketIds(clock)
    const bytes = Array.from({ length: 48 }, () => [...Buffer.from(ids.next(), 'base64url')])
    expect(bytes.every(({ length }) => length === 16)).toBe(true)
    expect(bytes.flat()).toEqual(Array.from({ length: 48 * 16 }, (_, n) => n % 256))
  })

  it('ask for random bytes when they are needed, in small batches', () => {
    const clock = new CountingClock()
    const ids = new TicketIds(clock)
    expect(clock.asked).toEqual([])
    for (let n = 0; n < 33; n++) ids.next()
    expect(clock.asked).toEqual([256, 256, 256])
  })

  it('take any bytes, not only those of a Buffer', () => {
    const clock = new ManualClock()
    clock.randomBytes = (count) => new Uint8Array(new ArrayBuffer(count + 8), 8)
    expect(new TicketIds(clock).next()).toBe('A'.repeat(22))
  })
})
