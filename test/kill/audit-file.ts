import { loadDriver } from '../../src/stores/sqlite/file/load-driver.js'
import { type Audit, auditLines, type StoredEnd } from './audit.js'
import { readLines } from './log.js'

const STATES = ['queued', 'running', 'succeeded', 'failed', 'canceled'] as const

interface FileRow {
  readonly id: string
  readonly state: number
  readonly outcome: string | null
}

const endOf = (row: FileRow): StoredEnd => ({
  state: STATES[row.state] ?? 'queued',
  isInterrupted: row.outcome?.includes('ERR_TASK_INTERRUPTED') === true,
  text: JSON.stringify(row)
})

/** Compares what the processes said with what is in the file, when nothing is left to do. Adds what it finds to the audit. */
export const auditFile = (path: string, log: string, driver: string | undefined, audit: Audit): void => {
  const connection = new (loadDriver(driver))(path)
  const rows = connection.prepare('SELECT * FROM tasks').all() as readonly FileRow[]
  const check = connection.prepare('PRAGMA integrity_check').get() as { readonly integrity_check: unknown }
  connection.close()
  if (check.integrity_check !== 'ok') audit.wrongs.damaged++
  auditLines(readLines(log), new Map(rows.map((row) => [row.id, endOf(row)])), audit)
}
