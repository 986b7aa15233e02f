/**
 * The stages of a task and all allowed transitions:
 *
 * ```
 *         ┌─────────────────────────────┐
 * OUTSIDE ┼─────► QUEUED ───────────► RUNNING ───► SUCCEEDED | FAILED | CANCELED
 *         │        │  ▲                 │                                 ▲
 *         └────────┼─ DELAYED ◄─────────┘                                 │
 *                  └──┴───────────────────────────────────────────────────┘
 * ```
 *
 * A stored task may also be recovered as DELAYED, fail before it was called because it could not be written, and be LEFT
 * in its store by a stop.
 */
/** Not accepted. */
export const OUTSIDE = 0
/** Accepted; waits for a worker. */
export const QUEUED = 1
/** Must not start yet: waits for its retry, or its first start is delayed. Keeps its place. */
export const DELAYED = 2
/** Has a worker. */
export const RUNNING = 3
export const SUCCEEDED = 4
export const FAILED = 5
export const CANCELED = 6
/** Neither ended nor live: a stop left it in its store, for the next pool. */
export const LEFT = 7

export type Stage =
  | typeof OUTSIDE
  | typeof QUEUED
  | typeof DELAYED
  | typeof RUNNING
  | typeof SUCCEEDED
  | typeof FAILED
  | typeof CANCELED
  | typeof LEFT

/** A terminal stage. */
export type Settled = typeof SUCCEEDED | typeof FAILED | typeof CANCELED

/** Whether a stage is terminal. */
export function isSettled(stage: Stage): stage is Settled {
  return stage >= SUCCEEDED && stage !== LEFT
}

/** For each stage, a bit set of the stages that may follow. */
const MOVES: readonly number[] = [
  /* OUTSIDE   */ (1 << QUEUED) | (1 << DELAYED) | (1 << RUNNING),
  /* QUEUED    */ (1 << RUNNING) | (1 << FAILED) | (1 << CANCELED) | (1 << LEFT),
  /* DELAYED   */ (1 << QUEUED) | (1 << FAILED) | (1 << CANCELED) | (1 << LEFT),
  /* RUNNING   */ (1 << DELAYED) | (1 << SUCCEEDED) | (1 << FAILED) | (1 << CANCELED) | (1 << LEFT),
  /* SUCCEEDED */ 0,
  /* FAILED    */ 0,
  /* CANCELED  */ 0,
  /* LEFT      */ 1 << FAILED
]

/** Moves an entry to its next stage. Throws on an illegal transition, which is a defect of this library. */
export function move(entry: { stage: Stage }, to: Stage): void {
  if (((MOVES[entry.stage] as number) & (1 << to)) === 0) illegal(entry.stage, to)
  entry.stage = to
}

function illegal(from: Stage, to: Stage): never {
  throw new Error(`illegal move: ${from} to ${to}`)
}

/** The stages of the pool, in the only possible order. */
export const CREATED = 0
export const STARTED = 1
export const STOPPING = 2
export const STOPPED = 3

export type PoolStage = typeof CREATED | typeof STARTED | typeof STOPPING | typeof STOPPED
