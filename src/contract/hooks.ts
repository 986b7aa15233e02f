/** A context of `AsyncLocalStorage` in which functions can be called. */
export interface Scope {
  runInAsyncScope<R, A extends unknown[]>(fn: (...args: A) => R, thisArg?: unknown, ...args: A): R
}

/** Reports an error that has no other observer. */
export type Report = (error: unknown) => void

/** The outcome of a call of a user's function. */
export type HookAnswer = { readonly threw: false; readonly value: unknown } | { readonly threw: true }

/** Calls a user's function and catches its errors: what it throws, or later rejects with, goes to `report`. */
export function callHook(call: () => unknown, report: Report): HookAnswer {
  try {
    const value = call()
    if (typeof value === 'object' && value !== null) Promise.resolve(value).then(undefined, report)
    return { threw: false, value }
  } catch (error) {
    report(error)
    return { threw: true }
  }
}
