/** Seeds that found something once, and what it was. They are run for ever. */
export const KEPT_SEEDS: readonly (readonly [seed: number, found: string])[] = [
  [293, 'a waiter that joined the line while the rate was spent was never woken by the rate'],
  [768, 'the same, with room in the pool and a free worker'],
  [333, 'a waiter that left when the timers were late cleared the timer of the rate']
]
