import { text } from '../../contract/checks.js'
import type { TicketRoutesOptions } from '../options.js'
import type { HttpRequest, OwnedRequest } from '../wire/request.js'

/**
 * The request with its owner, as the hook says.
 *
 * @throws TypeError or RangeError when the hook says anything but a name or `undefined`; what the hook throws
 */
export async function ownedRequest(request: HttpRequest, hook: TicketRoutesOptions['owner']): Promise<OwnedRequest> {
  const owner = await hook?.(request)
  // By name as well: an adapter's request may be an object of a class, whose getters a copy would not have.
  const { method, target, headers, body, signal } = request
  return {
    ...request,
    method,
    target,
    headers,
    body,
    signal,
    owner: owner === undefined ? owner : text('owner', owner)
  }
}
