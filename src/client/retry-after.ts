/**
 * In how many milliseconds a server wants to be asked again; `undefined` when it does not say, or says nothing that can
 * be read. A date is measured against the server's own `Date`, so that it does not matter how wrong the clock here is.
 *
 * @param date - the wall clock here, where the server's is not known
 * @see RFC 9110, section 10.2.3
 */
export function retryAfterOf(headers: Headers, date: () => number): number | undefined {
  const text = headers.get('Retry-After') ?? ''
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  const until = dateOf(text)
  return until === undefined ? undefined : Math.max(0, until - (dateOf(headers.get('Date') ?? '') ?? date()))
}

/** Begins with the name of a day, as all three forms of an HTTP date do; other texts that JavaScript takes do not pass. */
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /

function dateOf(text: string): number | undefined {
  if (!DATE.test(text)) return undefined
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) // one of the forms leaves out the zone
  return Number.isNaN(at) ? undefined : at
}
