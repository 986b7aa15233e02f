import { callHook } from '../../contract/hooks.js'
import { read } from '../../contract/task-record.js'
import type { HttpRequest } from './request.js'

/** Receives the errors that no client may read. */
export type OnError = (error: unknown, request: HttpRequest | undefined) => void

/** Calls the application's functions. An error in one of them is reported to `onError` and never breaks a reply. */
export class Hooks {
  readonly #onError: OnError

  constructor(onError: OnError) {
    this.#onError = onError
  }

  /** Passes an error to `onError`. What `onError` itself throws or rejects with is dropped. */
  report(error: unknown, request?: HttpRequest): void {
    callHook(
      () => this.#onError(error, request),
      () => {}
    )
  }

  /**
   * The result of a synchronous hook, converted. `undefined`, and the error reported, when the hook throws, returns a
   * promise, or returns what cannot be converted: the caller then uses its default.
   *
   * @param name - the option's name, for the message
   */
  result<A, T>(name: string, hook: () => A, convert: (value: A) => T): T | undefined {
    const answer = callHook(hook, (error) => this.report(error))
    if (answer.threw) return undefined
    try {
      if (typeof read(answer.value, 'then') === 'function') {
        throw new TypeError(`Expected \`${name}\` to answer at once, got a promise`)
      }
      return convert(answer.value as A)
    } catch (error) {
      this.report(error)
      return undefined
    }
  }
}
