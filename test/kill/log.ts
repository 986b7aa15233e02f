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

/**
 * Appends lines to a file, each by one synchronous write: they survive a kill of the process, not a power cut. Several
 * processes may write to one file.
 */
export const lineWriter = (path: string): ((line: Line) => void) => {
  const file = openSync(path, 'a')
  // A kill may cut a write off at the end of a page of memory: the line that comes next begins on its own.
  return (line) => void writeSync(file, `\n${JSON.stringify(line)}\n`)
}

/** What the processes have said. A line that was cut off was not said. */
export const readLines = (path: string): readonly Line[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((text) => text.endsWith('}'))
    .map((text) => JSON.parse(text) as Line)
