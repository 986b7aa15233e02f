import type { OperationResponse, RawRequest, RunningOperation } from '@azure/core-lro'
import type { TicketStatus } from 'coatcheck/http'

/** An operation that sends the poller's requests unchanged and converts only the form of the answers. */
export function operation(origin: string, input: object = { width: 200 }): RunningOperation<TicketStatus> {
  const send = async (method: string, path: string, body?: unknown): Promise<OperationResponse<TicketStatus>> => {
    const request: RawRequest = { method, url: new URL(path, origin).href }
    const response = await fetch(request.url, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const parsed = (await response.json()) as TicketStatus
    const headers = Object.fromEntries(response.headers)
    return { flatResponse: parsed, rawResponse: { statusCode: response.status, request, headers, body: parsed } }
  }
  return {
    sendInitialRequest: () => send('POST', '/tasks', input),
    sendPollRequest: (path) => send('GET', path)
  }
}
