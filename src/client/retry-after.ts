/** Whole or fractional seconds. Only whole ones are standard. */
const SECONDS = /^\d+(?:\.\d+)?$/

/**
 * The `Retry-After` of an answer in milliseconds; `undefined` when it is absent or malformed. A date is compared with the
 * answer's `Date`, so that a wrong local clock does not matter. Of several values, such as those of two proxies, the first
 * counts; a fraction of a second is rounded up.
 *
 * @param date - the local wall clock, for an answer without a `Date`
 * @see RFC 9110, section 10.2.3
 */
export function retryAfterOf(headers: Headers, date: () => number): number | undefined {
  const text = headers.get('Retry-After') ?? ''
  const seconds = text.replace(/,.*/s, '').trim()
  if (SECONDS.test(seconds)) return Math.ceil(Number(seconds)) * 1_000
  const until = dateOf(text)
  return until === undefined ? undefined : Math.max(0, until - (dateOf(headers.get('Date') ?? '') ?? date()))
}

/**
 * All three forms of an HTTP date begin with the name of a day; other texts that `Date.parse` accepts do not. A comma may
 * follow that name; the next one ends the date.
 */
const DATE = /^\s*((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [^,]*)/

function dateOf(text: string): number | undefined {
  const found = DATE.exec(text)?.[1]?.trim()
  if (found === undefined) return undefined
  const at = Date.parse(found.endsWith('GMT') ? found : `${found} GMT`) // one form has no time zone
  return Number.isNaN(at) ? undefined : at
}
