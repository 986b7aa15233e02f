import { openSync, readFileSync, writeSync } from 'node:fs'
import type { TaskState } from '../../src/index.js'

/** What a process has said or done, in the order in which it happened. */
export type Line =
  /** The task is on disk: `recorded` has resolved. */
  | { readonly what: 'acknowledged'; readonly id: string }
  /** Its function was called. */
  | { readonly what: 'called'; readonly id: string; readonly attempt: number; readonly handler: string }
  /** Its end was emitted. */
  | { readonly what: 'ended'; readonly id: string; readonly state: TaskState }

/** Appends lines to a file, each by one synchronous write: they survive a kill of the process, not a power cut. */
export const lineWriter = (path: string): ((line: Line) => void) => {
  const file = openSync(path, 'a')
  return (line) => void writeSync(file, `${JSON.stringify(line)}\n`)
}

export const readLines = (path: string): readonly Line[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as Line)
