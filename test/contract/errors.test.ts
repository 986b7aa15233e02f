import { readFileSync } from 'node:fs'
import { createContext, runInContext } from 'node:vm'
import ts from 'typescript'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as errors from '../../src/contract/errors.js'

type Errors = typeof errors

const FULL = { concurrency: 2, queueCapacity: 3, running: 2, queued: 3, retryAfterMs: 1_500 }

/** A factory for each class, its message and its fields. */
const KINDS = [
  {
    make: (from: Errors) => new from.QueueFullError(FULL),
    of: 'QueueFullError',
    code: 'ERR_QUEUE_FULL',
    message: 'The pool is full: 2 of 2 running, 3 of 3 queued. Try again in 1500 ms, or answer 503.',
    facts: FULL
  },
  {
    make: (from: Errors) => new from.KeyQueueFullError('acme', FULL),
    of: 'KeyQueueFullError',
    code: 'ERR_KEY_QUEUE_FULL',
    message: 'The share of this key is full: 2 running, 3 of 3 queued. Try again in 1500 ms, or answer 429.',
    facts: { key: 'acme', ...FULL }
  },
  {
    make: (from: Errors) => new from.WaitTimeoutError(99.7, 2_000),
    of: 'WaitTimeoutError',
    code: 'ERR_WAIT_TIMEOUT',
    message: 'No place in the pool became free within 100 ms. Try again in 2000 ms.',
    facts: { waitedMs: 99.7, retryAfterMs: 2_000 }
  },
  {
    make: (from: Errors) => new from.WaitFullError(7, 2_000),
    of: 'WaitFullError',
    code: 'ERR_WAIT_FULL',
    message: 'The waiter list is full: 7 callers already wait for room. Try again in 2000 ms.',
    facts: { waitedMs: 0, retryAfterMs: 2_000 }
  },
  {
    make: (from: Errors) => new from.PoolStoppedError('stopping'),
    of: 'PoolStoppedError',
    code: 'ERR_POOL_STOPPED',
    message: 'The pool is stopping: it accepts no new tasks. Create a new pool to continue.',
    facts: { state: 'stopping' }
  },
  {
    make: (from: Errors) => new from.DuplicateTaskError('t-1'),
    of: 'DuplicateTaskError',
    code: 'ERR_DUPLICATE_TASK',
    message: 'A task with the id "t-1" already exists. Use another id, or join the task with `onDuplicate: \'join\'`.',
    facts: { id: 't-1' }
  },
  {
    make: (from: Errors) => new from.TaskTimeoutError('t-1', 50),
    of: 'TaskTimeoutError',
    code: 'ERR_TASK_TIMEOUT',
    message: 'The task t-1 ran longer than its limit of 50 ms.',
    facts: { id: 't-1', timeoutMs: 50 }
  },
  {
    make: (from: Errors) => new from.TaskCanceledError('t-1', 'user', { cause: 'because' }),
    of: 'TaskCanceledError',
    code: 'ERR_TASK_CANCELED',
    message: 'The task t-1 was canceled (user).',
    facts: { id: 't-1', reason: 'user' }
  },
  {
    make: (from: Errors) => new from.TaskInterruptedError('t-1'),
    of: 'TaskInterruptedError',
    code: 'ERR_TASK_INTERRUPTED',
    message:
      'The task t-1 was still running when the pool was forced to stop. Whether its effects happened is unknown.',
    facts: { id: 't-1' }
  },
  {
    make: (from: Errors) => new from.DrainTimeoutError(50, { count: 2, ids: ['a', 'b'] }, 'The pool is paused.'),
    of: 'DrainTimeoutError',
    code: 'ERR_DRAIN_TIMEOUT',
    message: 'Still waiting for 2 after 50 ms. The pool is paused.',
    facts: { waitingFor: { count: 2, ids: ['a', 'b'] } }
  },
  {
    make: (from: Errors) => new from.PoolDeadlockError('It waits for itself.'),
    of: 'PoolDeadlockError',
    code: 'ERR_POOL_DEADLOCK',
    message: 'It waits for itself.',
    facts: {}
  },
  {
    make: (from: Errors) => new from.WaitGroupError('Closed.'),
    of: 'WaitGroupError',
    code: 'ERR_WAIT_GROUP',
    message: 'Closed.',
    facts: {}
  }
] as const

const classOf = (from: Errors, name: string): (new () => Error) => from[name as keyof Errors] as never

/** A second copy of the package, like a second version in one tree. */
async function secondCopy(): Promise<Errors> {
  vi.resetModules()
  return import('../../src/contract/errors.js')
}

afterEach(() => vi.resetModules())

describe.each(KINDS)('$of', ({ make, of, code, message, facts }) => {
  let from: Errors
  let error: ReturnType<typeof make>

  beforeEach(async () => {
    from = await secondCopy()
    error = make(from)
  })

  it('has a message that states what happened and what to do', () => {
    expect({ name: error.name, code: error.code, message: error.message }).toEqual({ name: of, code, message })
    expect(String(error)).toBe(`${of}: ${message}`)
  })

  it('carries its facts as fields', () => {
    expect(Object.fromEntries(Object.entries(error))).toEqual({ code, ...facts })
  })

  it('has a toJSON with all fields, without the stack', () => {
    expect(error.toJSON()).toEqual({ name: of, code, message, ...facts })
    expect(JSON.parse(JSON.stringify(error))).toEqual({ name: of, code, message, ...facts })
  })

  it('has a stack that begins with its name', () => {
    expect(error.stack?.startsWith(`${of}: ${message}\n`)).toBe(true)
    expect(error.stack).toContain('errors.test.ts')
  })

  it('inherits its name, not enumerable and writable, like every error', () => {
    expect(error.name).toBe(of)
    expect(Object.hasOwn(error, 'name')).toBe(false)
    const keys: string[] = []
    for (const key in error) keys.push(key)
    expect(keys).not.toContain('name')
    const renamed = Object.create(error) as Error
    renamed.name = 'Renamed'
    expect([renamed.name, error.name]).toEqual(['Renamed', of])
  })

  it('is an instance of its class, of PoolError and of Error, and of no other class', () => {
    expect(error).toBeInstanceOf(classOf(from, of))
    expect(error).toBeInstanceOf(from.PoolError)
    expect(error).toBeInstanceOf(Error)
    expect(from.isPoolError(error)).toBe(true)
    for (const other of KINDS) expect(error instanceof classOf(from, other.of)).toBe(other.of === of)
  })

  it('is recognised by another copy of the package', () => {
    expect(from.PoolError).not.toBe(errors.PoolError)
    expect(error).toBeInstanceOf(errors.PoolError)
    expect(errors.isPoolError(error)).toBe(true)
    for (const other of KINDS) expect(error instanceof classOf(errors, other.of)).toBe(other.of === of)
  })

  it('is not recognised as an error class of the user that extends it', () => {
    for (const copy of [errors, from]) {
      const Mine = class extends classOf(copy, of) {}
      expect(error instanceof Mine).toBe(false)
    }
  })
})

describe('causes and notes', () => {
  it('the cause of TaskCanceledError is the value given to the cancel, if any', () => {
    const cause = { anything: true }
    expect(new errors.TaskCanceledError('t', 'signal', { cause }).cause).toBe(cause)
    expect('cause' in new errors.TaskCanceledError('t', 'queue_timeout')).toBe(false)
    expect(new errors.TaskCanceledError('t', 'user', { cause: undefined })).toHaveProperty('cause', undefined)
  })

  it('the cause of PoolStoppedError is the reason of the stop', () => {
    expect(new errors.PoolStoppedError('stopped', { cause: 'SIGTERM' })).toMatchObject({
      cause: 'SIGTERM',
      state: 'stopped',
      message: 'The pool is stopped: it accepts no new tasks. Create a new pool to continue.'
    })
  })

  it('DrainTimeoutError needs no note', () => {
    expect(new errors.DrainTimeoutError(5, { count: 1, ids: [] }).message).toBe('Still waiting for 1 after 5 ms.')
  })
})

describe('subclasses of the user', () => {
  class Busy extends errors.QueueFullError {
    readonly tenant = 'acme'
  }
  class VeryBusy extends Busy {}

  it('are distinguished as usual', () => {
    const busy = new Busy(FULL)
    expect([busy instanceof Busy, busy instanceof errors.QueueFullError, busy instanceof errors.PoolError]).toEqual([
      true,
      true,
      true
    ])
    expect([busy instanceof VeryBusy, busy instanceof errors.WaitFullError]).toEqual([false, false])
    expect(new VeryBusy(FULL) instanceof Busy).toBe(true)
    expect(busy.toJSON()).toMatchObject({ name: 'QueueFullError', code: 'ERR_QUEUE_FULL', tenant: 'acme' })
  })

  it('are instances of the classes of another copy', async () => {
    const copy = await secondCopy()
    expect(new Busy(FULL) instanceof copy.QueueFullError).toBe(true)
    expect(new Busy(FULL) instanceof copy.WaitFullError).toBe(false)
  })
})

describe('isPoolError', () => {
  const boom = (): never => {
    throw new Error('boom')
  }
  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  }

  it('is false for everything else, and never throws', () => {
    const others = [
      undefined,
      null,
      0,
      'ERR_QUEUE_FULL',
      Symbol.for('coatcheck.PoolError'),
      5n,
      () => {},
      Object.assign(() => {}, { [Symbol.for('coatcheck.PoolError')]: true }),
      {},
      new Error('other'),
      Object.assign(new Error('alike'), { code: 'ERR_QUEUE_FULL', name: 'QueueFullError' }),
      Object.create(null),
      new Proxy({}, { get: boom, has: boom, getPrototypeOf: boom }),
      revoked()
    ]
    for (const other of others) expect(errors.isPoolError(other)).toBe(false)
  })

  it('is the test of instanceof: an object with the same code is no PoolError', () => {
    const alike = Object.assign(new Error('alike'), { code: 'ERR_QUEUE_FULL', name: 'QueueFullError' })
    expect(alike instanceof errors.QueueFullError).toBe(false)
    expect(alike instanceof errors.PoolError).toBe(false)
    for (const value of [null, undefined, 1, 'x']) expect((value as unknown) instanceof errors.PoolError).toBe(false)
  })

  it('recognises an error behind a proxy', () => {
    expect(errors.isPoolError(new Proxy(new errors.QueueFullError(FULL), {}))).toBe(true)
  })

  it('brands its errors with a property that is not enumerable', () => {
    const error = new errors.WaitGroupError('x')
    expect(Object.keys(error)).toEqual(['code'])
    expect(errors.isPoolError({ ...error })).toBe(false)
    expect(Object.getOwnPropertyDescriptor(error, Symbol.for('coatcheck.PoolError'))).toEqual({
      value: true,
      writable: false,
      enumerable: false,
      configurable: false
    })
  })
})

describe('withoutStack', () => {
  it('builds an error whose stack is its first line, and leaves the limit as it was', () => {
    const limit = Error.stackTraceLimit
    const error = errors.withoutStack(() => new errors.QueueFullError(FULL))
    expect(error.stack).toBe(`QueueFullError: ${error.message}`)
    expect(Error.stackTraceLimit).toBe(limit)
  })

  it('leaves the limit as it was when the building fails', () => {
    const limit = Error.stackTraceLimit
    expect(() =>
      errors.withoutStack(() => {
        throw new RangeError('no')
      })
    ).toThrow(new RangeError('no'))
    expect(Error.stackTraceLimit).toBe(limit)
  })

  it('builds the error also where the limit cannot be set', () => {
    const descriptor = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor
    Object.defineProperty(Error, 'stackTraceLimit', { ...descriptor, writable: false })
    try {
      const error = errors.withoutStack(() => new errors.QueueFullError(FULL))
      expect(error.stack).toContain('errors.test.ts')
      expect(Error.stackTraceLimit).toBe(descriptor.value)
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', descriptor)
    }
  })
})

describe('in another realm', () => {
  /** The module as JavaScript, loaded in a separate realm. */
  function load(before: string): Errors {
    const source = readFileSync(new URL('../../src/contract/errors.ts', import.meta.url), 'utf8')
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 }
    })
    const realm = createContext({ exports: {} })
    runInContext(before, realm)
    runInContext(outputText, realm)
    return (realm as { exports: Errors }).exports
  }

  it('errors are recognised across realms', () => {
    const far = load('')
    const error = new far.KeyQueueFullError('acme', FULL)
    expect(error instanceof Error).toBe(false)
    expect(error instanceof errors.KeyQueueFullError).toBe(true)
    expect(error instanceof errors.QueueFullError).toBe(false)
    expect(errors.isPoolError(error)).toBe(true)
    expect(new errors.KeyQueueFullError('acme', FULL) instanceof far.KeyQueueFullError).toBe(true)
  })

  it('can be loaded and created where the intrinsics are frozen', () => {
    const far = load(
      'for (const each of [Error, Error.prototype, Object.prototype, Function.prototype]) Object.freeze(each)'
    )
    const error = far.withoutStack(() => new far.PoolStoppedError('stopped'))
    expect({ ...error.toJSON() }).toEqual({
      name: 'PoolStoppedError',
      code: 'ERR_POOL_STOPPED',
      state: 'stopped',
      message: 'The pool is stopped: it accepts no new tasks. Create a new pool to continue.'
    })
    expect(error instanceof far.PoolError).toBe(true)
  })
})
