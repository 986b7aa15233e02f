import { Redis } from 'ioredis'
import { Commands } from '../../src/bullmq/redis/commands.js'
import { Keys } from '../../src/bullmq/redis/keys.js'
import { recordOf } from '../../src/bullmq/task-text.js'
import type { TaskRecord } from '../../src/index.js'
import { type Line, readLines } from '../kill/log.js'

/** What must not happen, and how often it did. */
export interface Wrongs {
  /** Tasks that were acknowledged, and that Redis does not have. */
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
  /** Tasks whose emitted end is not the one in Redis. */
  toldOtherwise: number
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
  readonly examples: string[]
}

const EXAMPLES = 5

export const noWrongs = (): Wrongs => ({
  ...{ lost: 0, unfinished: 0, endedTwice: 0, calledAfterEnd: 0, attemptTwice: 0, calledAgain: 0, toldOtherwise: 0 }
})

/** Compares what the processes said with what Redis has, when nothing is left to do. */
export const auditRedis = async (port: number, log: string): Promise<Audit> => {
  const redis = new Redis({ host: '127.0.0.1', port })
  const commands = new Commands(redis, new Keys('coatcheck', 'chaos'))
  const lines = readLines(log)
  const records = new Map<string, TaskRecord>()
  for (const id of new Set(lines.map((line) => line.id))) {
    const fields = await commands.read(id)
    if (fields !== undefined) records.set(id, recordOf(fields))
  }
  redis.disconnect()
  return auditLines(lines, records)
}

const auditLines = (lines: readonly Line[], records: ReadonlyMap<string, TaskRecord>): Audit => {
  const wrongs = noWrongs()
  const seen = { acknowledged: 0, called: 0, ended: 0, interrupted: 0 }
  const examples: string[] = []
  const ends = new Set<string>()
  const calls = new Set<string>()
  const once = new Set<string>()
  const wrong = (what: keyof Wrongs, id: string): void => {
    wrongs[what]++
    if (examples.length >= EXAMPLES) return
    const said = lines.filter((line) => line.id === id).map((line) => JSON.stringify(line))
    examples.push([what, ...said, JSON.stringify(records.get(id))].join('\n    '))
  }
  for (const line of lines) {
    const { id } = line
    const record = records.get(id)
    switch (line.what) {
      case 'acknowledged':
        seen.acknowledged++
        if (record === undefined) wrong('lost', id)
        else if (record.settledAt === undefined) wrong('unfinished', id)
        if (record?.error?.code === 'ERR_TASK_INTERRUPTED') seen.interrupted++
        break
      case 'called': {
        seen.called++
        const call = `${id} ${line.attempt}`
        if (ends.has(id)) wrong('calledAfterEnd', id)
        if (calls.has(call)) wrong('attemptTwice', id)
        if (line.handler === 'once' && once.has(id)) wrong('calledAgain', id)
        calls.add(call)
        if (line.handler === 'once') once.add(id)
        break
      }
      case 'ended':
        seen.ended++
        if (ends.has(id)) wrong('endedTwice', id)
        if (record?.state !== line.state) wrong('toldOtherwise', id)
        ends.add(id)
        break
      default:
        return line satisfies never
    }
  }
  return { wrongs, seen, examples }
}
