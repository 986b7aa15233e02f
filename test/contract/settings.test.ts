import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { checkPoolOptions } from '../../src/contract/settings.js'
import { WaitGroup, WorkerPool, type WorkerPoolOptions } from '../../src/index.js'
import { ManualClock, microtasks } from '../support/manual-clock.js'

/** Unchecked options, as a caller without types may pass them. */
type Loose = Record<string, unknown>

const BOUNDS = { concurrency: 1, queueCapacity: 1 }
const make = (options: Loose): WorkerPool => new WorkerPool({ ...BOUNDS, ...options } as WorkerPoolOptions<never>)

/** The error that a call throws or rejects with; undefined if it does neither. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    const result = call()
    if (result instanceof Promise) await Promise.race([result, microtasks()])
    return undefined
  } catch (error) {
    return error
  }
}

// ── A6 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const VALUES: readonly [value: unknown, got: string][] = [
  [0, '`0` (number)'],
  [-1, '`-1` (number)'],
  [1.5, '`1.5` (number)'],
  [Number.NaN, '`NaN` (number)'],
  [Number.POSITIVE_INFINITY, '`Infinity` (number)'],
  [Number.NEGATIVE_INFINITY, '`-Infinity` (number)'],
  ['4', '`"4"` (string)'],
  [null, '`null` (null)'],
  [4n, '`4` (bigint)'],
  [2 ** 53, '`9007199254740992` (number)'],
  [{}, '`[object Object]` (object)'],
  [true, '`true` (boolean)'],
  [[1], '`[object Array]` (object)']
]

const INTEGER_1 = { expected: 'an integer from 1', allowed: [] as unknown[] }
const INTEGER_0 = { expected: 'an integer from 0', allowed: [0] }
const INTEGER_0_INFINITY = { expected: 'an integer from 0, or Infinity', allowed: [0, Number.POSITIVE_INFINITY] }
const INTEGER_1_INFINITY = { expected: 'an integer from 1, or Infinity', allowed: [Number.POSITIVE_INFINITY] }
const DURATION = {
  expected: 'a number of milliseconds from 0',
  allowed: [0, 1.5, Number.POSITIVE_INFINITY, 2 ** 53]
}
const INTERVAL = { expected: 'a finite number of milliseconds above 0', allowed: [1.5, 2 ** 53] }
const WEIGHT = { expected: 'a finite number above 0', allowed: [1.5, 2 ** 53] }
const WEIGHT_CAPACITY = { expected: 'a number from 1, or Infinity', allowed: [1.5, Number.POSITIVE_INFINITY, 2 ** 53] }
const SAFE_INTEGER = { expected: 'a safe integer', allowed: [0, -1] }
const LIMIT = { expected: 'an integer from 1 to 1000', allowed: [] as unknown[] }

interface Numeric {
  readonly name: string
  readonly rule: { readonly expected: string; readonly allowed: readonly unknown[] }
  readonly set: (value: unknown) => unknown
}

const retry = (value: object): Loose => ({ retry: { attempts: 2, backoffMs: 1, ...value } })
const rate = (value: object): Loose => ({ rateLimit: { starts: 2, intervalMs: 1, ...value } })
const queue = (options: Loose) => make({}).queueTask(() => {}, options)
const queueWhenFree = (options: Loose) => make({}).queueTaskWhenFree(() => {}, options)
const busyGroup = (): WaitGroup => {
  const group = new WaitGroup()
  group.add()
  return group
}
/** Waits that the test ends, so that nothing of them is left behind. */
const waitOnce = (options: Loose) => {
  const group = busyGroup()
  const wait = group.wait(options)
  group.done()
  return wait
}

const NUMERIC: readonly Numeric[] = [
  { name: 'concurrency', rule: INTEGER_1, set: (concurrency) => make({ concurrency }) },
  { name: 'queueCapacity', rule: INTEGER_0_INFINITY, set: (queueCapacity) => make({ queueCapacity }) },
  { name: 'waiterCapacity', rule: INTEGER_0_INFINITY, set: (waiterCapacity) => make({ waiterCapacity }) },
  { name: 'weightCapacity', rule: WEIGHT_CAPACITY, set: (weightCapacity) => make({ weightCapacity }) },
  { name: 'taskTimeoutMs', rule: DURATION, set: (taskTimeoutMs) => make({ taskTimeoutMs }) },
  { name: 'queueTimeoutMs', rule: DURATION, set: (queueTimeoutMs) => make({ queueTimeoutMs }) },
  { name: 'graceMs', rule: DURATION, set: (graceMs) => make({ graceMs }) },
  { name: 'forceMs', rule: DURATION, set: (forceMs) => make({ forceMs }) },
  { name: 'stuckAfterMs', rule: DURATION, set: (stuckAfterMs) => make({ stuckAfterMs }) },
  { name: 'retry.attempts', rule: INTEGER_1, set: (attempts) => make(retry({ attempts })) },
  { name: 'retry.backoffMs', rule: DURATION, set: (backoffMs) => make(retry({ backoffMs })) },
  { name: 'rateLimit.starts', rule: INTEGER_1, set: (starts) => make(rate({ starts })) },
  { name: 'rateLimit.intervalMs', rule: INTERVAL, set: (intervalMs) => make(rate({ intervalMs })) },
  { name: 'perKey.concurrency', rule: INTEGER_1_INFINITY, set: (concurrency) => make({ perKey: { concurrency } }) },
  { name: 'perKey.queueCapacity', rule: INTEGER_0_INFINITY, set: (v) => make({ perKey: { queueCapacity: v } }) },
  { name: 'retention.count', rule: INTEGER_0_INFINITY, set: (count) => make({ retention: { count } }) },
  { name: 'retention.ms', rule: DURATION, set: (ms) => make({ retention: { ms } }) },
  { name: 'priority', rule: SAFE_INTEGER, set: (priority) => queue({ priority }) },
  { name: 'weight', rule: WEIGHT, set: (weight) => queue({ weight }) },
  { name: 'timeoutMs', rule: DURATION, set: (timeoutMs) => queue({ timeoutMs }) },
  { name: 'queueTimeoutMs', rule: DURATION, set: (queueTimeoutMs) => queue({ queueTimeoutMs }).cancel() },
  { name: 'retry.attempts', rule: INTEGER_1, set: (attempts) => queue(retry({ attempts })) },
  { name: 'retry.backoffMs', rule: DURATION, set: (backoffMs) => queue(retry({ backoffMs })) },
  { name: 'waitMs', rule: DURATION, set: (waitMs) => queueWhenFree({ waitMs }) },
  { name: 'priority', rule: SAFE_INTEGER, set: (priority) => queueWhenFree({ priority }) },
  { name: 'timeoutMs', rule: DURATION, set: (timeoutMs) => make({}).drain({ timeoutMs } as object) },
  { name: 'graceMs', rule: DURATION, set: (graceMs) => make({}).stop({ graceMs } as object) },
  { name: 'forceMs', rule: DURATION, set: (forceMs) => make({}).stop({ forceMs } as object) },
  { name: 'concurrency', rule: INTEGER_1, set: (concurrency) => make({}).resize({ concurrency } as object) },
  { name: 'queueCapacity', rule: INTEGER_0_INFINITY, set: (v) => make({}).resize({ queueCapacity: v } as object) },
  { name: 'limit', rule: LIMIT, set: (limit) => make({}).tasks({ limit } as object) },
  { name: 'timeoutMs', rule: DURATION, set: (timeoutMs) => waitOnce({ timeoutMs }) },
  { name: 'n', rule: INTEGER_0, set: (n) => new WaitGroup().add(n as number) }
]

const cases = NUMERIC.flatMap(({ name, rule, set }) => VALUES.map(([value, got]) => ({ name, rule, set, value, got })))

describe('a numeric option', () => {
  it.each(cases.filter(({ rule, value }) => !rule.allowed.includes(value)))(
    'A6 $name refuses $got by name',
    async ({ name, rule, set, value, got }) => {
      const error = await errorOf(() => set(value))
      const Expected = typeof value === 'number' ? RangeError : TypeError
      expect(error).toStrictEqual(new Expected(`Expected \`${name}\` to be ${rule.expected}, got ${got}`))
    }
  )

  it.each(cases.filter(({ rule, value }) => rule.allowed.includes(value)))(
    'A6 $name accepts $got',
    async ({ set, value }) => {
      expect(await errorOf(() => set(value))).toBeUndefined()
    }
  )

  it('is refused before anything has happened', async () => {
    const pool = make({})
    expect(() => pool.queueTask(() => {}, { priority: 1.5 })).toThrow(RangeError)
    await expect(pool.queueTaskWhenFree(() => {}, { waitMs: -1 })).rejects.toThrow(RangeError)
    expect(() => pool.stop({ graceMs: -1 })).toThrow(RangeError)
    expect(() => pool.resize({ concurrency: 5, queueCapacity: -1 })).toThrow(RangeError)
    const { state, concurrency, totals } = pool.stats()
    expect([state, concurrency, totals.submitted, totals.refused]).toEqual(['created', 1, 0, 0])
  })

  it('accepts the largest safe integer, and 1,000 tasks in a list', () => {
    const big = Number.MAX_SAFE_INTEGER
    const pool = make({ concurrency: big, queueCapacity: big, retention: { count: big } })
    expect(pool.stats()).toMatchObject({ concurrency: big, queueCapacity: big })
    expect(pool.queueTask(() => {}, { priority: big }).state).toBe('queued')
    expect(pool.queueTask(() => {}, { priority: -big }).state).toBe('queued')
    expect(pool.tasks({ limit: 1 })).toHaveLength(1)
    expect(pool.tasks({ limit: 1_000 })).toHaveLength(2)
    expect(() => pool.tasks({ limit: 1_001 })).toThrow(
      new RangeError('Expected `limit` to be an integer from 1 to 1000, got `1001` (number)')
    )
  })
})

// ── every option of any kind ──────────────────────────────────────────────────────────────────────────────────────

/** Every call with options, and the name of its options in messages. */
const CALLS: readonly { readonly call: string; readonly name: string; readonly with: (options: unknown) => unknown }[] =
  [
    { call: 'new WorkerPool', name: 'options', with: (options) => new WorkerPool(options as never) },
    { call: 'the retry of a pool', name: 'retry', with: (value) => make({ retry: value }) },
    { call: 'the rate limit of a pool', name: 'rateLimit', with: (value) => make({ rateLimit: value }) },
    { call: 'the bounds per key of a pool', name: 'perKey', with: (value) => make({ perKey: value }) },
    { call: 'the retention of a pool', name: 'retention', with: (value) => make({ retention: value }) },
    { call: 'start', name: 'options', with: (options) => make({}).start(options as object) },
    { call: 'queueTask', name: 'options', with: (options) => queue(options as Loose) },
    {
      call: 'queueTask of a handler',
      name: 'options',
      with: (options) => {
        const pool = new WorkerPool({ ...BOUNDS, handlers: { greet: (name: string) => name } })
        return pool.queueTask('greet', 'you', options as object)
      }
    },
    { call: 'the retry of a task', name: 'retry', with: (value) => queue({ retry: value }) },
    { call: 'queueTaskWhenFree', name: 'options', with: (options) => queueWhenFree(options as Loose) },
    { call: 'drain', name: 'options', with: (options) => make({}).drain(options as object) },
    { call: 'stop', name: 'options', with: (options) => make({}).stop(options as object) },
    { call: 'resize', name: 'options', with: (options) => make({}).resize(options as object) },
    { call: 'tasks', name: 'query', with: (options) => make({}).tasks(options as object) },
    { call: 'changes', name: 'options', with: (options) => queue({}).changes(options as object) },
    { call: 'wait of a group', name: 'options', with: (options) => waitOnce(options as Loose) }
  ]

describe.each(CALLS)('the options of $call', ({ name, with: give }) => {
  it('are an object or omitted', async () => {
    for (const [value, got] of [
      [null, '`null` (null)'],
      ['text', '`"text"` (string)'],
      [5, '`5` (number)'],
      [true, '`true` (boolean)'],
      [[], '`[object Array]` (object)'],
      [() => {}, '`() => {\n      }` (function)']
    ] as const) {
      if (name === 'perKey' && typeof value === 'function') continue // bounds by key
      const error = await errorOf(() => give(value))
      expect(error).toBeInstanceOf(TypeError)
      const { message } = error as Error
      if (typeof value === 'function')
        expect(message).toMatch(/^Expected `\w+` to be an object, got `.*` \(function\)$/s)
      else expect(message).toBe(`Expected \`${name}\` to be an object, got ${got}`)
    }
  })

  it.each(['colour', 'Concurrency', 'toString', '__proto__', 'constructor', ''])(
    'refuse the unknown option "%s"',
    async (key) => {
      const options = Object.defineProperty({}, key, { value: undefined, enumerable: true })
      const error = await errorOf(() => give(options))
      expect(error).toBeInstanceOf(TypeError)
      expect((error as Error).message).toMatch(
        new RegExp(
          `^Expected \`${name}\` to have only the options [a-zA-Z, ]+, got \`${key}\`(; did you mean \`concurrency\`\\?)?$`
        )
      )
    }
  )
})

describe('an unknown option', () => {
  it('is named together with the known options, and truncated if it is long', async () => {
    const only = 'Expected `options` to have only the options signal, timeoutMs, got'
    expect(await errorOf(() => make({}).drain({ timeoutMS: 5 } as object))).toEqual(
      new TypeError(`${only} \`timeoutMS\`; did you mean \`timeoutMs\`?`)
    )
    expect(await errorOf(() => make({}).drain({ ['x'.repeat(1_000)]: 5 } as object))).toEqual(
      new TypeError(`${only} \`${'x'.repeat(60)}\``)
    )
  })
})

/** An object that counts how often each of its own properties is read, at any depth. */
function counting(value: Loose, reads: Map<string, number>, path = ''): Loose {
  return new Proxy(value, {
    get(target, key, receiver) {
      if (typeof key === 'symbol' || !Object.hasOwn(target, key)) return Reflect.get(target, key, receiver)
      const name = `${path}${key}`
      reads.set(name, (reads.get(name) ?? 0) + 1)
      const part = target[key]
      return Object.getPrototypeOf(part ?? 0) === Object.prototype ? counting(part as Loose, reads, `${name}.`) : part
    }
  })
}

/** Every path of an object. */
const paths = (value: Loose, path = ''): string[] =>
  Object.entries(value).flatMap(([key, part]) => [
    `${path}${key}`,
    ...(Object.getPrototypeOf(part ?? 0) === Object.prototype ? paths(part as Loose, `${path}${key}.`) : [])
  ])

const { signal } = new AbortController()

const POOL: Required<WorkerPoolOptions<object>> = {
  concurrency: 1,
  queueCapacity: 1,
  name: 'reports',
  handlers: { greet: () => 'hello' },
  waiterCapacity: 1,
  weightCapacity: 1,
  taskTimeoutMs: 1,
  queueTimeoutMs: 1,
  retry: { attempts: 1, backoffMs: 0, when: () => true },
  rateLimit: { starts: 1, intervalMs: 1 },
  perKey: { concurrency: 1, queueCapacity: 1, rateLimit: { starts: 1, intervalMs: 1 } },
  retention: { count: 1, ms: 1 },
  graceMs: 0,
  forceMs: 0,
  stuckAfterMs: 1,
  captureContext: true,
  detectSelfWait: false,
  onUnobservedError: () => {},
  clock: undefined,
  store: undefined,
  mirror: undefined,
  maxCrashes: 3,
  maxInputBytes: 1,
  maxResultBytes: 1
}
const TASK = {
  id: 'mine',
  name: 'label',
  key: 'acme',
  priority: 1,
  timeoutMs: 1,
  queueTimeoutMs: Number.POSITIVE_INFINITY,
  signal,
  retry: { attempts: 1, backoffMs: 0, when: () => true },
  onDuplicate: 'join',
  retainMs: 1,
  delayMs: 1,
  weight: 1,
  volatile: false,
  fingerprint: 'f'
}

const FULL_CALLS: readonly { call: string; options: Loose; required: Loose; give: (options: Loose) => unknown }[] = [
  {
    call: 'new WorkerPool',
    options: POOL as unknown as Loose,
    required: BOUNDS,
    give: (options) => new WorkerPool(options as never)
  },
  { call: 'start', options: { signal }, required: {}, give: (options) => make({}).start(options).stop() },
  { call: 'queueTask', options: TASK, required: {}, give: (options) => queue(options).cancel() },
  {
    call: 'queueTaskWhenFree',
    options: { ...TASK, waitMs: 1, waitSignal: signal },
    required: {},
    give: async (options) => (await queueWhenFree(options)).cancel()
  },
  { call: 'drain', options: { signal, timeoutMs: 1 }, required: {}, give: (options) => make({}).drain(options) },
  {
    call: 'stop',
    options: { graceMs: 0, forceMs: 0, reason: 'enough' },
    required: {},
    give: (options) => make({}).stop(options)
  },
  {
    call: 'resize',
    options: { concurrency: 1, queueCapacity: 1 },
    required: {},
    give: (options) => make({}).resize(options)
  },
  {
    call: 'tasks',
    options: { state: 'queued', key: 'acme', limit: 5 },
    required: {},
    give: (options) => make({}).tasks(options)
  },
  { call: 'wait of a group', options: { signal, timeoutMs: 1 }, required: {}, give: (options) => waitOnce(options) }
]

describe.each(FULL_CALLS)('$call', ({ options, required, give }) => {
  it('reads each option once', async () => {
    const reads = new Map<string, number>()
    expect(await errorOf(() => give(counting(options, reads)))).toBeUndefined()
    expect(Object.fromEntries(reads)).toEqual(Object.fromEntries(paths(options).map((path) => [path, 1])))
  })

  it('treats undefined as not given', async () => {
    const empty = Object.fromEntries(Object.keys(options).map((key) => [key, undefined]))
    expect(await errorOf(() => give({ ...empty, ...required }))).toBeUndefined()
  })

  it('accepts options of a prototype', async () => {
    expect(await errorOf(() => give(Object.create(options) as Loose))).toBeUndefined()
  })
})

describe('the options of a pool', () => {
  it('are checked eagerly, and start nothing', () => {
    const before = process.getActiveResourcesInfo().length
    make({ graceMs: 5, retention: { ms: 5 }, stuckAfterMs: 5 })
    expect(process.getActiveResourcesInfo()).toHaveLength(before)
  })

  it('require the two bounds', () => {
    expect(() => new WorkerPool({} as never)).toThrow(
      new TypeError('Expected `concurrency` to be an integer from 1, got `undefined` (undefined)')
    )
    expect(() => new WorkerPool({ concurrency: 1 } as never)).toThrow(
      new TypeError('Expected `queueCapacity` to be an integer from 0, or Infinity, got `undefined` (undefined)')
    )
    expect(() => new WorkerPool(undefined as never)).toThrow(
      new TypeError('Expected `options` to be an object, got `undefined` (undefined)')
    )
  })

  it('accept a name of 256 characters, not of 257', () => {
    expect(make({ name: 'n'.repeat(256) }).stats().name).toBe('n'.repeat(256))
    expect(make({ name: '' }).stats().name).toBe('')
    expect(() => make({ name: 'n'.repeat(257) })).toThrow(
      new RangeError(`Expected \`name\` to be a string of at most 256 characters, got \`"${'n'.repeat(59)}…\` (string)`)
    )
    expect(() => make({ name: 5 })).toThrow(
      new TypeError('Expected `name` to be a string of at most 256 characters, got `5` (number)')
    )
  })

  it.each(['captureContext', 'detectSelfWait'])('%s is true or false, not truthy', (option) => {
    for (const value of [true, false]) expect(make({ [option]: value }).state).toBe('created')
    for (const value of [0, 1, '', 'true', null, {}]) {
      expect(() => make({ [option]: value })).toThrow(TypeError)
      expect(() => make({ [option]: value })).toThrow(`Expected \`${option}\` to be true or false, got `)
    }
  })

  it('onUnobservedError, retry.when and retry.backoffMs are functions', () => {
    expect(() => make({ onUnobservedError: 'log' })).toThrow(
      new TypeError('Expected `onUnobservedError` to be a function, got `"log"` (string)')
    )
    expect(() => make(retry({ when: true }))).toThrow(
      new TypeError('Expected `retry.when` to be a function, got `true` (boolean)')
    )
    expect(() => make(retry({ backoffMs: class {} }))).toThrow(
      new TypeError('Expected `retry.backoffMs` to be a function, got a class')
    )
    expect(make(retry({ backoffMs: () => 5, when: () => false })).state).toBe('created')
    expect(() => make({ retry: { attempts: 1 } })).toThrow(
      new TypeError('Expected `retry.backoffMs` to be a number of milliseconds from 0, got `undefined` (undefined)')
    )
  })

  it('handlers are functions with names of at most 256 characters', () => {
    expect(() => make({ handlers: 5 })).toThrow(
      new TypeError('Expected `handlers` to be a plain object of functions, got `5` (number)')
    )
    expect(() => make({ handlers: null })).toThrow(
      new TypeError('Expected `handlers` to be a plain object of functions, got `null` (null)')
    )
    const functions = [
      () => {},
      Object.setPrototypeOf(() => {}, null),
      Object.setPrototypeOf(() => {}, Object.prototype)
    ]
    for (const handlers of functions) {
      expect(() => make({ handlers })).toThrow(TypeError)
      expect(() => make({ handlers })).toThrow('Expected `handlers` to be a plain object of functions, got ')
    }
    expect(() => make({ handlers: { greet: 'hello' } })).toThrow(
      new TypeError('Expected `handlers.greet` to be a function, got `"hello"` (string)')
    )
    expect(() => make({ handlers: { greet: undefined } })).toThrow(TypeError)
    expect(() => make({ handlers: { Greet: class {} } })).toThrow(
      new TypeError('Expected `handlers.Greet` to be a function, got a class')
    )
    expect(() => make({ handlers: { ['h'.repeat(257)]: () => {} } })).toThrow(
      new RangeError(
        `Expected \`a name in handlers\` to be a string of at most 256 characters, got \`"${'h'.repeat(59)}…\` (string)`
      )
    )
    expect(make({ handlers: Object.create(null) }).state).toBe('created')
  })

  it('clock has all of its methods', () => {
    expect(make({ clock: new ManualClock() }).state).toBe('created')
    expect(() => make({ clock: null })).toThrow(new TypeError('Expected `clock` to be a Clock, got `null` (null)'))
    const methods = { now() {}, date() {}, timer() {}, yield() {}, random() {}, randomBytes() {} }
    expect(() => make({ clock: Object.assign(() => 0, methods) })).toThrow(/^Expected `clock` to be a Clock, got /)
    for (const missing of ['now', 'date', 'timer', 'yield', 'random', 'randomBytes']) {
      expect(() => make({ clock: { ...methods, [missing]: 5 } })).toThrow(
        new TypeError(`Expected \`clock.${missing}\` to be a function, got \`5\` (number)`)
      )
    }
  })

  it('have the documented defaults', () => {
    expect(checkPoolOptions({ concurrency: 2, queueCapacity: 5 })).toStrictEqual({
      concurrency: 2,
      queueCapacity: 5,
      name: undefined,
      handlers: new Map(),
      waiterCapacity: 5,
      weightCapacity: Number.POSITIVE_INFINITY,
      taskTimeoutMs: Number.POSITIVE_INFINITY,
      queueTimeoutMs: Number.POSITIVE_INFINITY,
      retry: undefined,
      rateLimit: undefined,
      perKey: null,
      retention: { count: 1_000, ms: 600_000 },
      graceMs: 20_000,
      forceMs: 5_000,
      stuckAfterMs: 30_000,
      captureContext: true,
      detectSelfWait: false,
      onUnobservedError: undefined,
      clock: undefined,
      store: undefined,
      mirror: undefined,
      maxCrashes: 3,
      maxInputBytes: 1_048_576,
      maxResultBytes: 1_048_576
    })
    expect(checkPoolOptions({ concurrency: 1, queueCapacity: 0 }).waiterCapacity, 'one at least').toBe(1)
    expect(checkPoolOptions({ ...BOUNDS, perKey: {} }).perKey).toEqual({
      concurrency: Number.POSITIVE_INFINITY,
      queueCapacity: Number.POSITIVE_INFINITY
    })
  })

  it('are kept unchanged', () => {
    const clock = new ManualClock()
    const { handlers, ...settings } = checkPoolOptions({ ...POOL, clock })
    const { handlers: given, ...options } = { ...POOL, clock }
    expect(settings).toStrictEqual(options)
    expect([...handlers.keys()]).toEqual(Object.keys(given as object))
  })
})

describe('an option that is not a number', () => {
  const SIGNAL = 'an AbortSignal'
  const TEXT = 'a string of at most 256 characters'

  it.each<[name: string, call: string, expected: string, give: (value: unknown) => unknown]>([
    ['signal', 'start', SIGNAL, (value) => make({}).start({ signal: value as AbortSignal })],
    ['signal', 'queueTask', SIGNAL, (value) => queue({ signal: value })],
    ['signal', 'queueTaskWhenFree', SIGNAL, (value) => queueWhenFree({ signal: value })],
    ['waitSignal', 'queueTaskWhenFree', SIGNAL, (value) => queueWhenFree({ waitSignal: value })],
    ['signal', 'drain', SIGNAL, (value) => make({}).drain({ signal: value as AbortSignal })],
    ['signal', 'changes', SIGNAL, (value) => queue({}).changes({ signal: value as AbortSignal })],
    ['signal', 'wait of a group', SIGNAL, (value) => waitOnce({ signal: value })],
    ['key', 'queueTask', TEXT, (value) => queue({ key: value })],
    ['key', 'tasks', TEXT, (value) => make({}).tasks({ key: value as string })]
  ])('`%s` of %s is refused by name', async (name, _call, expected, give) => {
    expect(await errorOf(() => give(5))).toEqual(
      new TypeError(`Expected \`${name}\` to be ${expected}, got \`5\` (number)`)
    )
  })
})

describe('the options of a task', () => {
  const ID = '1 to 128 characters of A-Z a-z 0-9 . _ : - (not "." or "..")'

  it.each(['a', '...', '.a', '..a', 'A-Z_a.z:0-9', '__proto__', 'constructor', '-', ':', 'x'.repeat(128)])(
    'A11 accept the id %s',
    (id) => {
      const pool = make({})
      const task = pool.queueTask(() => {}, { id })
      expect(task.id).toBe(id)
      expect(pool.task(id)).toBe(task)
    }
  )

  const REFUSED_IDS = ['', '.', '..', '../x', 'a/b', 'a b', 'a\n', '\0', 'a\0', '\ud800', 'é', '%2e']
  const LONG_IDS = ['x'.repeat(129), 'x'.repeat(2 ** 20)]

  it.each([
    ...REFUSED_IDS.map((id) => [JSON.stringify(id), id] as const),
    ...LONG_IDS.map((id) => [`of ${id.length} characters`, id] as const)
  ])('A11 refuse the id %s', (_id, id) => {
    const pool = make({})
    let error: unknown
    try {
      pool.queueTask(() => {}, { id })
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(RangeError)
    const { message } = error as Error
    expect(message.startsWith(`Expected \`id\` to be ${ID}, got \`"`)).toBe(true)
    expect(message.length, 'it does not repeat all of it').toBeLessThan(200)
    expect(pool.stats().totals.submitted).toBe(0)
  })

  it.each([5, null, {}, ['a'], Symbol('a'), 5n, new String('a')])(
    'A11 refuse the id %o, which is not a string',
    (id) => {
      expect(() => queue({ id })).toThrow(TypeError)
      expect(() => queue({ id })).toThrow(`Expected \`id\` to be ${ID}, got `)
    }
  )

  it.each(['key', 'name'])('%s is a string of at most 256 characters', (option) => {
    for (const text of ['', 'x', '__proto__', '\0', '\ud800', 'x'.repeat(256)]) {
      expect(queue({ [option]: text })[option as 'key']).toBe(text)
    }
    expect(() => queue({ [option]: 'x'.repeat(257) })).toThrow(RangeError)
    for (const value of [5, null, {}, Symbol('x')]) {
      expect(() => queue({ [option]: value })).toThrow(TypeError)
      expect(() => queue({ [option]: value })).toThrow(
        `Expected \`${option}\` to be a string of at most 256 characters`
      )
    }
  })

  it('name belongs to functions: the task of a handler has the name of its handler', async () => {
    const pool = new WorkerPool({ ...BOUNDS, handlers: { greet: () => 'hello' } })
    const error = new TypeError(
      'Expected `name` to be left out: the task of a handler has the name of its handler, `greet`'
    )
    expect(() => pool.queueTask('greet', undefined, { name: 'mine' })).toThrow(error)
    await expect(pool.queueTaskWhenFree('greet', undefined, { name: 'mine' })).rejects.toThrow(error)
    expect(pool.queueTask('greet', undefined, { name: undefined }).name).toBe('greet')
  })

  it('onDuplicate is one of three strings', () => {
    for (const word of ['refuse', 'join', 'join-live']) expect(queue({ onDuplicate: word }).state).toBe('queued')
    for (const [value, error] of [
      ['replace', RangeError],
      ['', RangeError],
      [true, TypeError],
      [null, TypeError]
    ] as const) {
      expect(() => queue({ onDuplicate: value })).toThrow(error)
      expect(() => queue({ onDuplicate: value })).toThrow(
        "Expected `onDuplicate` to be one of 'refuse', 'join', 'join-live', got "
      )
    }
  })

  it('signal is an AbortSignal of any realm or library', () => {
    const alike = { aborted: false, addEventListener() {}, removeEventListener() {} }
    const far = runInNewContext('({ aborted: false, addEventListener() {}, removeEventListener() {} })')
    for (const value of [new AbortController().signal, alike, far])
      expect(queue({ signal: value }).state).toBe('queued')
    for (const value of [
      null,
      {},
      'signal',
      () => {},
      new AbortController(),
      { ...alike, aborted: 0 },
      { ...alike, addEventListener: 1 },
      { ...alike, removeEventListener: undefined },
      Object.assign(() => {}, alike)
    ]) {
      expect(() => queue({ signal: value })).toThrow(TypeError)
      expect(() => queue({ signal: value })).toThrow('Expected `signal` to be an AbortSignal, got ')
    }
  })

  it('all are kept, also 0 and empty strings', async () => {
    const task = queue({ name: '', key: '', timeoutMs: 0, metadata: false })
    expect(task.record()).toMatchObject({ name: '', key: '', metadata: false })
  })
})

describe('the state to list', () => {
  it('is one of five strings', () => {
    for (const state of ['queued', 'running', 'succeeded', 'failed', 'canceled'] as const) {
      expect(make({}).tasks({ state })).toEqual([])
    }
    expect(() => make({}).tasks({ state: 'pending' as never })).toThrow(
      new RangeError(
        "Expected `state` to be one of 'queued', 'running', 'succeeded', 'failed', 'canceled', got `\"pending\"` (string)"
      )
    )
    expect(() => make({}).tasks({ state: 'toString' as never })).toThrow(RangeError)
  })
})

describe('metadata', () => {
  const metadataOf = (metadata: unknown): unknown => queue({ metadata }).record().metadata
  const circular: Loose = {}
  circular['self'] = [circular]
  const nested = (depth: number): unknown => Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 1)
  const shared = { a: 1 }

  it.each([
    [null],
    [false],
    [0],
    [''],
    ['text \ud800'],
    [-1.5e300],
    [[]],
    [{}],
    [{ a: [1, 'two', { three: null }] }],
    [[shared, shared]],
    [Object.assign(Object.create(null), { a: 1 })],
    [runInNewContext('({ far: [1] })')],
    [JSON.parse('{"__proto__": {"admin": true}}')],
    [nested(64)]
  ])('is JSON, as it is: %j', (metadata) => {
    expect(JSON.stringify(metadataOf(metadata))).toBe(JSON.stringify(metadata))
  })

  it('leaves out properties that are undefined, as JSON does', () => {
    expect(metadataOf({ a: undefined, b: 1 })).toStrictEqual({ b: 1 })
  })

  it.each<[string, unknown, string]>([
    ['a number that is none', Number.NaN, 'metadata'],
    ['an infinite number', { a: Number.POSITIVE_INFINITY }, 'metadata.a'],
    ['a BigInt', { a: [0, 5n] }, 'metadata.a[1]'],
    ['a symbol', Symbol('s'), 'metadata'],
    ['a function', { deep: { er: () => {} } }, 'metadata.deep.er'],
    ['undefined in an array', [1, undefined], 'metadata[1]'],
    ['a hole in an array', Object.assign(Array(3), { 0: 1, 2: 3 }), 'metadata[1]'],
    ['what stands behind what is JSON', { a: undefined, b: 1, c: 5n, d: 2 }, 'metadata.c'],
    ['a circle', circular, 'metadata.self[0]'],
    ['a date', { at: new Date(0) }, 'metadata.at'],
    ['a map', new Map(), 'metadata'],
    ['a class instance', { who: new (class User {})() }, 'metadata.who'],
    ['a boxed string', new String('boxed'), 'metadata'],
    ['an object with a toJSON', { toJSON: () => 1 }, 'metadata'],
    ['an array with a toJSON', Object.assign([], { toJSON: () => 1 }), 'metadata'],
    ['what is nested deeper than 64', nested(65), `metadata${'[0]'.repeat(64)}`]
  ])('refuses %s, and says where it is', (_what, metadata, path) => {
    expect(() => metadataOf(metadata)).toThrow(
      new TypeError(
        `Expected \`${path}\` to be JSON (null, booleans, finite numbers, strings, arrays, plain objects, at most 64 levels deep)`
      )
    )
  })

  it('is copied at the call, and the copy is frozen', () => {
    const metadata = { list: [1] }
    const task = make({}).queueTask(() => {}, { metadata })
    metadata.list.push(2)
    const record = task.record().metadata as { list: number[] }
    expect(record).toEqual({ list: [1] })
    expect(() => record.list.push(3)).toThrow(TypeError)
  })
})

describe('a task to queue', () => {
  it('A8 is a function or the name of a handler; otherwise it is not counted', async () => {
    const pool = new WorkerPool({ ...BOUNDS, handlers: { greet: () => 'hello' } })
    const wrong: readonly [unknown, string][] = [
      [Promise.resolve(), 'Expected `task` to be a function, got `[object Promise]` (object)'],
      [null, 'Expected `task` to be a function, got `null` (null)'],
      [undefined, 'Expected `task` to be a function, got `undefined` (undefined)'],
      [class Task {}, 'Expected `task` to be a function, got a class'],
      [Map, 'Expected `task` to be a function, got a class'],
      [{}, 'Expected `task` to be a function, got `[object Object]` (object)']
    ]
    for (const [task, message] of wrong) {
      expect(() => pool.queueTask(task as never)).toThrow(new TypeError(message))
      await expect(pool.queueTaskWhenFree(task as never)).rejects.toThrow(new TypeError(message))
    }
    for (const name of ['unknown', '', '__proto__', 'constructor', 'toString', 'x'.repeat(1_000)]) {
      expect(() => pool.queueTask(name as never)).toThrow(TypeError)
      expect(() => pool.queueTask(name as never)).toThrow('the name of a handler (`greet`)')
    }
    expect(pool.stats().totals).toMatchObject({ submitted: 0, refused: 0 })
  })

  it.each<[string, (...args: never[]) => unknown]>([
    ['an arrow', () => {}],
    ['a function', function task() {}],
    ['an async function', async () => {}],
    ['a generator', function* task() {}],
    ['an async generator', async function* task() {}],
    ['a method', { task() {} }.task],
    ['a bound function', function task() {}.bind(null)],
    ['a function behind a proxy', new Proxy(() => {}, {})]
  ])('may be %s', (_what, task) => {
    expect(make({}).queueTask(task as () => void).state).toBe('queued')
  })
})

describe('the message of a wrong argument', () => {
  const refusal = (name: unknown): string => {
    try {
      make({ name })
    } catch (error) {
      return (error as Error).message
    }
    return 'none'
  }
  const got = (name: unknown): string => refusal(name).replace(/^.*?, got /s, '')

  it('shows a value by its string form or kind, truncated', () => {
    expect(got(Symbol('s'))).toBe('`Symbol(s)` (symbol)')
    expect(got(Symbol('s'.repeat(52)))).toBe(`\`Symbol(${'s'.repeat(52)})\` (symbol)`)
    expect(got(Symbol('s'.repeat(53)))).toBe(`\`Symbol(${'s'.repeat(53)}…\` (symbol)`)
    expect(got(Symbol('s'.repeat(100)))).toBe(`\`Symbol(${'s'.repeat(53)}…\` (symbol)`)
    const lines = 'line\nbreak'.repeat(50)
    expect(got(lines)).toBe(`\`${JSON.stringify(lines).slice(0, 60)}…\` (string)`)
    expect(got(new Date(0))).toBe('`[object Date]` (object)')
    expect(got(new (class User {})())).toBe('`[object Object]` (object)')
  })

  it('shows a value without a string form, and does not throw', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(got(proxy)).toBe('`[object Object]` (object)')
    const noText = Object.assign(() => {}, {
      toString: () => {
        throw new Error('boom')
      }
    })
    expect(got(noText)).toBe('`a value without a string form` (function)')
    expect(
      got({
        get [Symbol.toStringTag]() {
          throw new Error('boom')
        }
      })
    ).toBe('`[object Object]` (object)')
  })
})
