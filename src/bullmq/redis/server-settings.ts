import type { Redis } from 'ioredis'
import { StoreError } from '../../contract/store-errors.js'

/** What the server must be set to, as `INFO` reports it, and how to set it. */
const REQUIRED = [
  { field: 'maxmemory_policy', value: 'noeviction', setting: 'maxmemory-policy noeviction', else: 'drops tasks' },
  { field: 'aof_enabled', value: '1', setting: 'appendonly yes', else: 'loses tasks when it ends' }
] as const

/**
 * Checks that the server keeps what it has accepted.
 *
 * @throws StoreError that names the setting
 */
export async function checkServer(client: Pick<Redis, 'info'>): Promise<void> {
  requireSettings(await client.info())
}

/** The same for the text of `INFO`. */
export function requireSettings(info: string): void {
  const wrong = REQUIRED.find(({ field, value }) => !info.split(/\r?\n/).includes(`${field}:${value}`))
  if (wrong === undefined) return
  throw new StoreError(`Redis must be set to \`${wrong.setting}\`: as it is, it ${wrong.else}.`)
}
