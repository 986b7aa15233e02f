import { wording } from '../contract/checks.js'

/** The URLs that a ticket may have. */
export interface TicketUrlRules {
  /** The URL of the POST: the base of relative URLs. */
  readonly requestUrl: string
  /** Origins allowed besides that of `requestUrl`. */
  readonly trustedOrigins: readonly string[]
}

/**
 * The absolute URL of a ticket; `undefined` when it is malformed or on another origin. Requests to it carry headers that
 * are meant for the server of the POST.
 */
export function ticketUrlOf(reference: string, { requestUrl, trustedOrigins }: TicketUrlRules): string | undefined {
  const url = parseUrl(reference, requestUrl)
  if (url === undefined) return undefined
  if (url.origin !== new URL(requestUrl).origin && !trustedOrigins.includes(url.origin)) return undefined
  if (!isPlainHttp(url)) return undefined // a `blob:` has an origin too
  url.hash = ''
  return url.href
}

/**
 * The absolute form of a caller's URL.
 *
 * @throws TypeError when it is not an http or https URL, or has credentials
 */
export function absoluteUrl(url: unknown): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } } // defined in a page
  const parsed = url instanceof URL ? new URL(url) : typeof url === 'string' ? parseUrl(url, location?.href) : undefined
  if (parsed === undefined || !isPlainHttp(parsed)) {
    const shown = parsed === undefined ? url : `${parsed.protocol}//${parsed.host}` // without its password
    throw new TypeError(wording('url', 'an http or https URL without credentials', shown))
  }
  parsed.hash = ''
  return parsed.href
}

function isPlainHttp({ protocol, username, password }: URL): boolean {
  return ['http:', 'https:'].includes(protocol) && username === '' && password === ''
}

/** The parsed URL; `undefined` when it is malformed. */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
