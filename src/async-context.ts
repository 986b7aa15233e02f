import { AsyncResource } from 'node:async_hooks'

/** The `AsyncLocalStorage` context of a moment. */
export type AsyncContext = AsyncResource

/** Keeps the context of now. `runInAsyncScope` of what it returns calls a function in it. */
export function captureContext(): AsyncContext {
  return new AsyncResource('coatcheck.task')
}
