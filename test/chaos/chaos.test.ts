import { expect, it } from 'vitest'
import { newAudit } from '../kill/audit.js'
import { hasRedis } from '../stores/keyv/support/servers.js'
import { chaosLoop } from './chaos-loop.js'

it.skipIf(!hasRedis)('processes of a shared pool that are killed, and a Redis that is, lose nothing', async () => {
  const audit = await chaosLoop({ cycles: 10 })
  expect(audit?.wrongs, audit?.examples.join('\n')).toEqual(newAudit().wrongs)
  expect(audit?.seen.acknowledged).toBeGreaterThan(50)
  expect(audit?.seen.ended).toBeGreaterThan(50)
})
