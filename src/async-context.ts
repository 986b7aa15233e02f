import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'

/** The `AsyncLocalStorage` context of a moment. */
export type AsyncContext = AsyncResource

/**
 * Most processes keep no contexts, and a task should not pay for those it does not have. That there is none can be seen
 * in two ways, both undocumented, so where neither is found every context is kept:
 *
 * - Node 20 gives a number to each promise that is made once somebody in the process uses a storage;
 * - from Node 24 on a resource holds the frame of its context, or nothing.
 */
const marks = Object.getOwnPropertySymbols(new AsyncResource('coatcheck.probe'))
const mark = (name: string): symbol | undefined => marks.find(({ description }) => description === name)
const usesHooks = Object.hasOwn(AsyncLocalStorage.prototype, '_propagate')
const NUMBER = usesHooks && mark('context_frame') === undefined ? mark('async_id_symbol') : undefined
const FRAME = usesHooks ? undefined : mark('context_frame')

type Marked = Readonly<Record<symbol, unknown>>

/** A context in which there is nothing. */
let empty: AsyncContext | undefined

/** Whether promises have numbers: once they have, for ever. */
let numbered = NUMBER === undefined

function hasNumbers(): boolean {
  numbered ||= (Promise.resolve() as unknown as Marked)[NUMBER as symbol] !== undefined
  return numbered
}

/** Keeps the context of now. `runInAsyncScope` of what it returns calls a function in it; null: there is none. */
export function captureContext(): AsyncContext | null {
  if (!hasNumbers()) {
    empty ??= new AsyncResource('coatcheck.empty')
    return null
  }
  const context = new AsyncResource('coatcheck.task')
  if (FRAME === undefined || (context as unknown as Marked)[FRAME] !== undefined) return context
  empty ??= context
  return empty
}

/**
 * The context in which a function is to be called for which {@link captureContext} found none: none either, though there
 * may be one now. Each call gets one of its own, since what a function enters stays in it. Null: there is none anyway.
 */
export function noContext(): AsyncContext | null {
  return hasNumbers() ? (empty as AsyncContext).runInAsyncScope(() => new AsyncResource('coatcheck.task')) : null
}
