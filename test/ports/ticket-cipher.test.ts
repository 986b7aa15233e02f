import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { TicketCipher } from '../../src/ports/ticket-cipher.js'

const cipher = new TicketCipher(randomBytes(32).toString('base64url'), randomBytes)

it('finds the number in each of its tickets', () => {
  const numbers = [0, 1, 65_536, 2 ** 48 - 1, ...Array.from({ length: 200 }, (_, n) => n)]
  const tickets = numbers.map((n) => cipher.seal(n))
  expect(new Set(tickets).size).toBe(tickets.length)
  expect(tickets.map((ticket) => cipher.open(ticket))).toEqual(numbers)
})

it.each(['', 'short', '!'.repeat(22), 'x'.repeat(23)])('finds none in %j', (text) => {
  expect(cipher.open(text)).toBeUndefined()
})
