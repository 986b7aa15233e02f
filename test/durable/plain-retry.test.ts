import { expect, it } from 'vitest'
import { requirePlainRetry } from '../../src/durable/stored-options.js'
import { memoryStore } from '../../src/testing/index.js'

it('the own retry of a stored task has no functions', () => {
  expect(() => requirePlainRetry(undefined)).not.toThrow()
  expect(() => requirePlainRetry({ attempts: 2, backoffMs: 5, when: undefined })).not.toThrow()
  expect(() => requirePlainRetry({ attempts: 2, backoffMs: () => 5, when: undefined })).toThrow('retry.backoffMs')
  expect(() => requirePlainRetry({ attempts: 2, backoffMs: 5, when: () => true })).toThrow('retry.when')
})

it.each([true, false])('a store that fails to close says so (sync: %s)', async (sync) => {
  const store = memoryStore({ sync })
  store.failNext({ operation: 'close' })
  await expect((async () => store.close())()).rejects.toThrow()
})
