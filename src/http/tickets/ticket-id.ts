const TICKET = /^[A-Za-z0-9._:-]{1,128}$/

/** Every character of the longest ticket as %XX. */
const MAX_SEGMENT = 3 * 128

/**
 * The ticket that a path segment stands for, decoded once; `undefined` when it can be none. Only what passes here is
 * looked up, so that no other text of a request reaches the pool, a header or a log.
 */
export function decodeTicket(segment: string): string | undefined {
  if (segment.length > MAX_SEGMENT) return undefined // not worth decoding
  try {
    const id = decodeURIComponent(segment)
    return TICKET.test(id) && id !== '.' && id !== '..' ? id : undefined
  } catch {
    return undefined // a lone % is no ticket
  }
}
