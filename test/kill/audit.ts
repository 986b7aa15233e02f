import type { TaskState } from '../../src/index.js'
import type { Line } from './log.js'

/** What must not happen, and how often it did. */
export interface Wrongs {
  /** Tasks that were acknowledged, and that the store does not have. */
  lost: number
  /** Acknowledged tasks that have not ended. */
  unfinished: number
  /** Tasks whose end was emitted twice. */
  endedTwice: number
  /** Calls of a task whose end had been emitted. */
  calledAfterEnd: number
  /** Calls with an attempt number that the task had had before. */
  attemptTwice: number
  /** Tasks of a handler without `rerun` that were called again. */
  calledAgain: number
  /** Tasks whose emitted end is not the one in the store. */
  toldOtherwise: number
  /** Stores that fail their own check. */
  damaged: number
}

/** How much was seen: a loop that has seen nothing shows nothing. */
export interface Seen {
  acknowledged: number
  called: number
  ended: number
  interrupted: number
}

export interface Audit {
  readonly wrongs: Wrongs
  readonly seen: Seen
  /** What was said of the first tasks with which something was wrong, and what the store has of them. */
  readonly examples: string[]
}

/** A task, as the store has it when nothing is left to do. */
export interface StoredEnd {
  readonly state: TaskState
  readonly isInterrupted: boolean
  /** All of it, for an example. */
  readonly text: string
}

/** More examples than that show nothing new. */
const EXAMPLES = 5

export const newAudit = (): Audit => ({
  wrongs: {
    ...{ lost: 0, unfinished: 0, endedTwice: 0, calledAfterEnd: 0 },
    ...{ attemptTwice: 0, calledAgain: 0, toldOtherwise: 0, damaged: 0 }
  },
  seen: { acknowledged: 0, called: 0, ended: 0, interrupted: 0 },
  examples: []
})

/** Compares what the processes said with what the store has. Adds what it finds to the audit. */
export const auditLines = (
  lines: readonly Line[],
  tasks: ReadonlyMap<string, StoredEnd>,
  { wrongs, seen, examples }: Audit
): void => {
  const ends = new Set<string>()
  const calls = new Set<string>()
  const once = new Set<string>()
  const wrong = (what: keyof Wrongs, id: string): void => {
    wrongs[what]++
    if (examples.length >= EXAMPLES) return
    const said = lines.filter((line) => line.id === id).map((line) => JSON.stringify(line))
    examples.push([what, ...said, tasks.get(id)?.text ?? 'not there'].join('\n    '))
  }
  const take = (line: Line): void => {
    const { id } = line
    const state = tasks.get(id)?.state
    switch (line.what) {
      case 'acknowledged':
        seen.acknowledged++
        if (state === undefined) wrong('lost', id)
        if (state === 'queued' || state === 'running') wrong('unfinished', id)
        return
      case 'called': {
        seen.called++
        const call = `${id} ${line.attempt}`
        if (ends.has(id)) wrong('calledAfterEnd', id)
        if (calls.has(call)) wrong('attemptTwice', id)
        calls.add(call)
        if (line.handler === 'once' && once.has(id)) wrong('calledAgain', id)
        if (line.handler === 'once') once.add(id)
        return
      }
      case 'ended':
        seen.ended++
        if (ends.has(id)) wrong('endedTwice', id)
        ends.add(id)
        if (state !== line.state) wrong('toldOtherwise', id)
        return
    }
  }
  for (const line of lines) take(line)
  seen.interrupted += [...tasks.values()].filter(({ isInterrupted }) => isInterrupted).length
}
