import { setMaxListeners } from 'node:events'

/** A controller of a signal of ours, on which users may listen as often as they like. */
export function abortController(): AbortController {
  const controller = new AbortController()
  allowListeners(controller.signal)
  return controller
}

/** Any number of listeners is in order on this signal: Node warns from the 11th on. */
export function allowListeners(signal: AbortSignal): void {
  try {
    setMaxListeners(0, signal)
  } catch {
    // A class that is not Node's, such as that of a browser environment, does not warn.
  }
}
