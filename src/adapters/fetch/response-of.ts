import type { HttpReply } from '../../http/index.js'
import type { NodeBindings } from './node-bindings.js'

/** How long a refused client may go on sending, in milliseconds. */
const PATIENCE_MS = 1_000

/** A reply as a Fetch `Response`. */
export function responseOf(reply: HttpReply, request: Request, bindings: NodeBindings | undefined): Response {
  const { status, body, close, signal } = reply
  // HTTP/2 has no Connection header.
  const connection = close && bindings?.incoming.httpVersionMajor !== 2 ? { Connection: 'close' } : {}
  const headers = { ...connection, ...reply.headers }
  if (typeof body === 'object') return new Response(streamOf(body, signal, bindings?.outgoing), { status, headers })
  const rest = close ? request.body : null
  return new Response(body !== undefined && rest ? streamOf(withPatience(body, rest)) : body, { status, headers })
}

/** To close while the client still sends resets the connection, and it never reads why: it has a second to finish. */
async function* withPatience(body: string, rest: ReadableStream): AsyncGenerator<string> {
  yield body
  const patience = { signal: AbortSignal.timeout(PATIENCE_MS), preventCancel: true }
  await rest.pipeTo(new WritableStream(), patience).catch(() => {}) // it has left, or sends on and on
}

/** Takes a piece when the connection has taken the last one; ends when the client leaves, or when `signal` aborts. */
function streamOf(
  pieces: AsyncIterable<string>,
  signal?: AbortSignal,
  outgoing?: NodeBindings['outgoing']
): ReadableStream {
  const iterator = pieces[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  const source = {
    start: (controller: ReadableStreamDefaultController) => {
      // The server on Node would log the error of a stream, and a slow client is none.
      const cut = () => (outgoing === undefined ? controller.error(signal?.reason) : outgoing.destroy())
      signal?.addEventListener('abort', cut, { once: true })
    },
    pull: async (controller: ReadableStreamDefaultController) => {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
    cancel: async () => void (await iterator.return?.())
  }
  return new ReadableStream(source, { highWaterMark: 0 })
}
