const TICKET = /^[A-Za-z0-9._:-]{1,128}$/

/** The longest ticket with each character as %XX. A longer segment is not decoded. */
const MAX_SEGMENT = 3 * 128

/**
 * The ticket in a path segment, decoded once; `undefined` when the segment cannot be a ticket. Only these characters
 * reach the pool, a header or a log.
 */
export function decodeTicket(segment: string): string | undefined {
  if (segment.length > MAX_SEGMENT) return undefined
  try {
    const id = decodeURIComponent(segment)
    return TICKET.test(id) && id !== '.' && id !== '..' ? id : undefined
  } catch {
    return undefined // an incomplete escape
  }
}
