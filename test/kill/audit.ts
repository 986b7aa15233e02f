import { loadDriver } from '../../src/stores/sqlite/file/load-driver.js'
import { type Line, readLines } from './log.js'

/** What must not happen, and how often it did. */
export interface Wrongs {
  /** Tasks that were acknowledged and are not in the file, or have not ended in it. */
  lost: number
  /** Tasks whose end was emitted twice. */
  endedTwice: number
  /** Calls of a task whose end had been emitted. */
  calledAfterEnd: number
  /** Calls with an attempt number that the task had had before. */
  attemptTwice: number
  /** Tasks of a handler without `rerun` that were called again. */
  calledAgain: number
  /** Tasks whose emitted end is not the one in the file. */
  toldOtherwise: number
  /** Files that fail SQLite's own check. */
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
  /** What was said of the first tasks with which something was wrong, and their row. */
  readonly examples: string[]
}

export const newAudit = (): Audit => ({
  wrongs: {
    ...{ lost: 0, endedTwice: 0, calledAfterEnd: 0, attemptTwice: 0, calledAgain: 0, toldOtherwise: 0, damaged: 0 }
  },
  seen: { acknowledged: 0, called: 0, ended: 0, interrupted: 0 },
  examples: []
})

/** More examples than that show nothing new. */
const EXAMPLES = 5

const STATES = ['queued', 'running', 'succeeded', 'failed', 'canceled'] as const

interface FileRow {
  readonly id: string
  readonly state: number
  readonly outcome: string | null
}

/** Compares what the processes said with what is in the file, when nothing is left to do. Adds what it finds to the audit. */
export const auditFile = (path: string, log: string, driver: string | undefined, audit: Audit): void => {
  const { wrongs, seen } = audit
  const connection = new (loadDriver(driver))(path)
  const rows = connection.prepare('SELECT * FROM tasks').all() as readonly FileRow[]
  const check = connection.prepare('PRAGMA integrity_check').get() as { readonly integrity_check: unknown }
  connection.close()
  if (check.integrity_check !== 'ok') wrongs.damaged++
  seen.interrupted += rows.filter(({ outcome }) => outcome?.includes('ERR_TASK_INTERRUPTED')).length

  const states = new Map(rows.map(({ id, state }) => [id, STATES[state]]))
  const ends = new Map<string, string>()
  const calls = new Set<string>()
  const once = new Set<string>()
  const unfinished = (id: string): boolean => ['queued', 'running', undefined].includes(states.get(id))
  const lines = readLines(log)
  const wrong = (what: keyof Wrongs, id: string): void => {
    wrongs[what]++
    if (audit.examples.length >= EXAMPLES) return
    const said = lines.filter((line) => line.id === id).map((line) => JSON.stringify(line))
    audit.examples.push([what, ...said, JSON.stringify(rows.find((row) => row.id === id))].join('\n    '))
  }
  const take = (line: Line): void => {
    const { id } = line
    switch (line.what) {
      case 'acknowledged':
        seen.acknowledged++
        if (unfinished(id)) wrong('lost', id)
        return
      case 'called': {
        seen.called++
        if (ends.has(id)) wrong('calledAfterEnd', id)
        const call = `${id} ${line.attempt}`
        if (calls.has(call)) wrong('attemptTwice', id)
        calls.add(call)
        if (line.handler === 'once' && once.has(id)) wrong('calledAgain', id)
        if (line.handler === 'once') once.add(id)
        return
      }
      case 'ended':
        seen.ended++
        if (ends.has(id)) wrong('endedTwice', id)
        ends.set(id, line.state)
        if (states.get(id) !== line.state) wrong('toldOtherwise', id)
        return
    }
  }
  for (const line of lines) take(line)
}
