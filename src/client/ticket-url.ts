import { wording } from '../contract/checks.js'

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
  const url = parseUrl(reference, asked)
  if (url === undefined) return undefined
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
  const parsed = url instanceof URL ? new URL(url) : typeof url === 'string' ? parseUrl(url, location?.href) : undefined
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

/** The URL that a text stands for, if any. */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
