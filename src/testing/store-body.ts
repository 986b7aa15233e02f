import type { OpenStore } from '../contract/store.js'

/** One promise of a store: opens it, uses it, opens it again. What is open at the end is closed. */
export type StoreBody = (place: {
  open(): Promise<OpenStore>
  reopen(store: OpenStore): Promise<OpenStore>
}) => Promise<void>
