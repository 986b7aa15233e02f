import { wording } from '../checks.js'

/** Which URLs a ticket may have. */
export interface TicketUrlRules {
  /** What was asked: relative URLs are taken from here. */
  readonly asked: string
  /** Origins that are as good as that of `asked`. */
  readonly trustedOrigins: readonly string[]
}

/**
 * The URL of a ticket, absolute; `undefined` when it is none, or none that may be asked. Requests for it carry the headers
 * that were meant for the first server, so one that leads to another origin is not followed.
 */
export function ticketUrlOf(reference: string, { asked, trustedOrigins }: TicketUrlRules): string | undefined {
  if (!URL.canParse(reference, asked)) return undefined
  const url = new URL(reference, asked)
  if (url.origin !== new URL(asked).origin && !trustedOrigins.includes(url.origin)) return undefined
  if (!isPlainHttp(url)) return undefined // a `blob:` has an origin too
  url.hash = ''
  return url.href
}

/**
 * The URL that a caller gave, absolute.
 *
 * @throws TypeError when it is none, or leads to nothing that speaks HTTP
 */
export function absoluteUrl(url: unknown): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } } // there is one in a page
  const text = url instanceof URL ? url.href : url
  const parsed =
    typeof text === 'string' && URL.canParse(text, location?.href) ? new URL(text, location?.href) : undefined
  if (parsed === undefined || !isPlainHttp(parsed)) {
    const shown = parsed === undefined ? url : `${parsed.protocol}//${parsed.host}` // not its password
    throw new TypeError(wording('url', 'an http or https URL without credentials', shown))
  }
  parsed.hash = ''
  return parsed.href
}

function isPlainHttp({ protocol, username, password }: URL): boolean {
  return ['http:', 'https:'].includes(protocol) && username === '' && password === ''
}
