import { expect, it } from 'vitest'
import { StoreError } from '../../../src/index.js'
import { StoreDriverError, StoreInUseError, StoreVersionError } from '../../../src/stores/sqlite/index.js'
import { errorOf, plainFailure } from '../../../src/stores/sqlite/thread/plain-failure.js'

it.each([
  new StoreInUseError('tasks.db', { cause: new Error('locked') }),
  new StoreVersionError('tasks.db', 3, 1),
  new StoreDriverError('None was found.'),
  new StoreError('The disk is full.', { cause: new Error('full') }),
  new StoreError('The sync failed.', { inDoubt: true })
])('%s is the same after it was plain data', (error) => {
  const copy = errorOf(structuredClone(plainFailure(error)))
  expect(copy).toBeInstanceOf(error.constructor)
  expect(copy).toMatchObject({ ...error, message: error.message })
  expect((copy.cause as Error | undefined)?.message).toBe((error.cause as Error | undefined)?.message)
})
