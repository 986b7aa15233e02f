/** Tells an error that nobody else will see. */
export type Report = (error: unknown) => void

/** What a hook of the user's answered. */
export type HookAnswer = { readonly threw: false; readonly value: unknown } | { readonly threw: true }

/** Calls a function of the user's that must not harm the pool: what it throws, or rejects with later, is told. */
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
