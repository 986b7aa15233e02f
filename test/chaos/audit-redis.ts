import { Redis } from 'ioredis'
import { Commands } from '../../src/bullmq/redis/commands.js'
import { Keys } from '../../src/bullmq/redis/keys.js'
import { recordOf } from '../../src/bullmq/task-text.js'
import { type Audit, auditLines, newAudit, type StoredEnd } from '../kill/audit.js'
import { readLines } from '../kill/log.js'

/** Compares what the processes said with what Redis has, when nothing is left to do. */
export const auditRedis = async (port: number, log: string): Promise<Audit> => {
  const redis = new Redis({ host: '127.0.0.1', port })
  const commands = new Commands(redis, new Keys('coatcheck', 'chaos'))
  const lines = readLines(log)
  const tasks = new Map<string, StoredEnd>()
  for (const id of new Set(lines.map((line) => line.id))) {
    const fields = await commands.read(id)
    if (fields === undefined) continue
    const record = recordOf(fields)
    const isInterrupted = record.error?.code === 'ERR_TASK_INTERRUPTED'
    tasks.set(id, { state: record.state, isInterrupted, text: JSON.stringify(record) })
  }
  redis.disconnect()
  const audit = newAudit()
  auditLines(lines, tasks, audit)
  return audit
}
