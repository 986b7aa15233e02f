import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'

/** The `AsyncLocalStorage` context of a moment. */
export type AsyncContext = AsyncResource

/**
 * Most processes keep no contexts, and a queue of a million tasks should not hold a million times nothing. From Node 24 on
 * a resource holds the frame of its context, or none. That is undocumented: where it is not found, as on Node 20 and 22,
 * each task has a resource of its own.
 */
const FRAME = Object.hasOwn(AsyncLocalStorage.prototype, '_propagate') // there contexts are kept by hooks, not in frames
  ? undefined
  : Object.getOwnPropertySymbols(new AsyncResource('coatcheck.probe')).find(
      ({ description }) => description === 'context_frame'
    )

/** One without a frame, for all. */
let empty: AsyncContext | undefined

/** Keeps the context of now. `runInAsyncScope` of what it returns calls a function in it. */
export function captureContext(): AsyncContext {
  const context = new AsyncResource('coatcheck.task')
  if (FRAME === undefined || (context as unknown as Readonly<Record<symbol, unknown>>)[FRAME] !== undefined)
    return context
  empty ??= context
  return empty
}

/** The same context again: where hooks keep contexts, what a function enters in the one is not in the other. */
export function copyOf(context: AsyncContext): AsyncContext {
  return context.runInAsyncScope(captureContext)
}
