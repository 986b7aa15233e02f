/** Where an example plays: its time and its output. A test brings a stage of its own. */
import { setTimeout } from 'node:timers/promises'
import type { Clock } from 'coatcheck'

export interface Stage {
  /** The clock of the pools on it; without one they take the system's. */
  readonly clock?: Clock
  /** The work of an example: so many milliseconds of it, or less if the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Says a line. */
  say(line: string): void
}

/** Real time, and lines on the console with the milliseconds since the beginning. */
export function realStage(): Stage {
  const begunAt = performance.now()
  return {
    sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
    say: (line) => console.log(`${(performance.now() - begunAt).toFixed(0).padStart(5)} ms  ${line}`)
  }
}
