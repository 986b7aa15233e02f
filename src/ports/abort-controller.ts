import { setMaxListeners } from 'node:events'

/** A controller of a signal of ours, on which users may listen as often as they like: Node warns from the 11th on. */
export function abortController(): AbortController {
  const controller = new AbortController()
  try {
    setMaxListeners(0, controller.signal)
  } catch {
    // A class that is not Node's, such as that of a browser environment, does not warn.
  }
  return controller
}
