import { expect, it } from 'vitest'

it('RequestError can be loaded where the intrinsics are frozen', async () => {
  const usual = Object.getOwnPropertyDescriptor(Error.prototype, 'name')!
  Object.defineProperty(Error.prototype, 'name', { writable: false })
  try {
    const { invalidField } = await import('../../../src/http/wire/request-error.js')
    expect(invalidField('/a', 'must be b').name).toBe('RequestError')
  } finally {
    Object.defineProperty(Error.prototype, 'name', usual)
  }
})
