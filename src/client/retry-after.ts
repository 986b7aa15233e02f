/**
 * The `Retry-After` of an answer in milliseconds; `undefined` when it is absent or malformed. A date is compared with the
 * answer's `Date`, so that a wrong local clock does not matter.
 *
 * @param date - the local wall clock, for an answer without a `Date`
 * @see RFC 9110, section 10.2.3
 */
export function retryAfterOf(headers: Headers, date: () => number): number | undefined {
  const text = headers.get('Retry-After') ?? ''
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  const until = dateOf(text)
  return until === undefined ? undefined : Math.max(0, until - (dateOf(headers.get('Date') ?? '') ?? date()))
}

/** All three forms of an HTTP date begin with the name of a day; other texts that `Date.parse` accepts do not. */
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /

function dateOf(text: string): number | undefined {
  if (!DATE.test(text)) return undefined
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) // one form has no time zone
  return Number.isNaN(at) ? undefined : at
}
