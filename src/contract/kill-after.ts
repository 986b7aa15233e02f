const KILL_AFTER_MS = Symbol.for('coatcheck.killAfterMs')

/** Marks a handler whose function is ended by force after the abort of its signal: the pool's `forceMs` has to be greater. */
export function withKillAfterMs<H extends object>(handler: H, killAfterMs: number): H {
  return { ...handler, [KILL_AFTER_MS]: killAfterMs }
}

/** After how many milliseconds the function of a handler is ended by force; undefined if it is not. */
export function killAfterMsOf(handler: object): number | undefined {
  return Reflect.get(handler, KILL_AFTER_MS) as number | undefined
}
