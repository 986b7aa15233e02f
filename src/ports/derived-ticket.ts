import { createHmac } from 'node:crypto'

/** 192 of the 256 bits. */
const CHARACTERS = 32

/** A ticket that only the owner of the secret can derive from a text (HMAC-SHA-256, RFC 2104), in base64url. */
export function derivedTicket(secret: string, text: string): string {
  return createHmac('sha256', Buffer.from(secret, 'base64url')).update(text).digest('base64url').slice(0, CHARACTERS)
}
