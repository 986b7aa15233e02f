import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'

/** The `AsyncLocalStorage` context of a moment. */
export type AsyncContext = AsyncResource

/**
 * Node keeps contexts in one of two ways: by hooks, which give a number to every promise that is made once somebody in the
 * process uses a storage (its default until 22), or in frames (from 24 on). Only by hooks can it be seen, at next to no
 * cost, that nobody does. None of this is documented: where the marks are not found, contexts are always kept.
 */
const PROMISE_NUMBER = Object.hasOwn(AsyncLocalStorage.prototype, '_propagate')
  ? Object.getOwnPropertySymbols(new AsyncResource('coatcheck.probe')).find(
      (mark) => mark.description === 'async_id_symbol'
    )
  : undefined

/** Whether somebody may keep contexts: once somebody does, for ever. */
let kept = PROMISE_NUMBER === undefined

function mayHaveContext(): boolean {
  kept ||= (Promise.resolve() as unknown as Readonly<Record<symbol, unknown>>)[PROMISE_NUMBER as symbol] !== undefined
  return kept
}

/** Without any context: made when there was none. */
let empty: AsyncContext | undefined

/** Keeps the context of now. `runInAsyncScope` of what it returns calls a function in it; null: there is none. */
export function captureContext(): AsyncContext | null {
  if (mayHaveContext()) return new AsyncResource('coatcheck.task')
  empty ??= new AsyncResource('coatcheck.empty')
  return null
}

/**
 * The context in which a function is to be called for which {@link captureContext} found none: none either, though there
 * may be one now. Each call gets one of its own, since what a function enters stays in it. Null: there is none anyway.
 */
export function noContext(): AsyncContext | null {
  return mayHaveContext() ? (empty as AsyncContext).runInAsyncScope(() => new AsyncResource('coatcheck.task')) : null
}
