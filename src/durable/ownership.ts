import type { OpenStore } from '../contract/store.js'

const CLAIMED = /* @__PURE__ */ new WeakSet<OpenStore>()

/** @throws TypeError when another pool has the store: two would run the same tasks */
export function claim(store: OpenStore): void {
  if (CLAIMED.has(store)) throw new TypeError('Expected `store` to be one that no other pool has or had: open it again')
  CLAIMED.add(store)
}
