/** A part of a response or connection: emits `close` once. */
interface Closing {
  once(event: 'close', listener: () => void): unknown
}

/** What is needed of a request on a Node server. */
export interface Incoming {
  readonly socket: Closing & object
}

/** What is needed of a response on a Node server. */
export interface Outgoing extends Closing {
  readonly writableEnded: boolean
}

/** Requests without a finished reply, by connection: Node notifies no response that waits behind another one on it. */
const unfinished = new WeakMap<object, Set<() => void>>()

/** Aborts when the client leaves before its reply was written. Keeps one listener for each connection. */
export function leftSignal({ socket }: Incoming, res: Outgoing): AbortSignal {
  const left = new AbortController()
  const leave = () => {
    if (!res.writableEnded) left.abort()
  }
  const all = unfinished.get(socket) ?? watched(socket)
  all.add(leave)
  res.once('close', () => {
    all.delete(leave)
    leave()
  })
  return left.signal
}

function watched(socket: Incoming['socket']): Set<() => void> {
  const all = new Set<() => void>()
  unfinished.set(socket, all)
  socket.once('close', () => {
    for (const leave of all) leave()
  })
  return all
}
