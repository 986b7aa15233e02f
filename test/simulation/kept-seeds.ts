/** Seeds that found something once, and what it was. They are run for ever. */
export const KEPT_SEEDS: readonly (readonly [seed: number, found: string])[] = [
  [293, 'a waiter that joined the line while the rate was spent was never woken by the rate'],
  [768, 'the same, with room in the pool and a free worker'],
  [333, 'a waiter that left when the timers were late cleared the timer of the rate'],
  [1854, 'a waiter that left handed on its turn before it was counted as refused'],
  [8999, 'the same, at the limit of its wait'],
  [9349, 'the same, at a stop with grace'],
  [10266, 'the same, with the loop blocked'],
  [46188, 'an id was judged before a late start let a waiter with the same id in']
]
