/** The surroundings of an example: time and output. A test provides its own. */
import { setTimeout } from 'node:timers/promises'
import type { Clock } from 'coatcheck'

export interface Stage {
  /** The clock of the pools; by default that of the system. */
  readonly clock?: Clock
  /** The work of an example: takes `ms` milliseconds, or rejects when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Prints a line of text. */
  say(line: string): void
}

/** Real time. Each line goes to the console with the milliseconds since the beginning. */
export function realStage(): Stage {
  const begunAt = performance.now()
  return {
    sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
    say: (line) => console.log(`${(performance.now() - begunAt).toFixed(0).padStart(5)} ms  ${line}`)
  }
}
