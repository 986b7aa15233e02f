import { describe, expect, it } from 'vitest'
import { EVENT_BIT, Listeners, type PoolEventName } from '../../src/contract/events.js'
import type { Task } from '../../src/contract/task-contract.js'
import { EVENTS } from '../support/books.js'
import { microtasks } from '../support/manual-clock.js'

interface Reported {
  readonly error: unknown
  readonly event: PoolEventName
  readonly task: unknown
}

function setup() {
  const reported: Reported[] = []
  const listeners = new Listeners((error, event, task) => reported.push({ error, event, task }))
  const told: string[] = []
  const tell = (name: string) => (): void => void told.push(name)
  return { listeners, reported, told, tell }
}

const task = { id: 'a task' } as Task

describe('Listeners', () => {
  it('have a distinct bit for every event', () => {
    expect(Object.keys(EVENT_BIT).sort()).toEqual([...EVENTS].sort())
    const bits = Object.values(EVENT_BIT)
    expect(bits.reduce<number>((all, bit) => all | bit, 0)).toBe(2 ** bits.length - 1)
    expect(bits.every((bit) => Math.log2(bit) % 1 === 0)).toBe(true)
  })

  it('are called in the order in which they were added, with the arguments of the event', () => {
    const { listeners, told, tell } = setup()
    const given: unknown[][] = []
    listeners.on('retrying', (...args) => given.push(args))
    listeners.on('retrying', tell('second'))
    listeners.on('idle', (...args) => given.push(args))
    const retry = { error: 1, delayMs: 5 }
    listeners.emit(null, 'retrying', task, retry)
    listeners.emit(null, 'idle')
    listeners.emit(null, 'settled', task)
    expect(given).toEqual([[task, retry], []])
    expect(told).toEqual(['second'])
  })

  it('F8 have the bit of an event set exactly while it has a listener', () => {
    const { listeners, told, tell } = setup()
    const one = tell('one')
    expect(listeners.mask).toBe(0)
    listeners.on('failed', one)
    listeners.on('settled', one)
    expect(listeners.mask).toBe(EVENT_BIT.failed | EVENT_BIT.settled)
    listeners.off('failed', one)
    expect(listeners.mask).toBe(EVENT_BIT.settled)
    listeners.emit(null, 'failed', task, { error: undefined })
    expect(told).toEqual([])
    listeners.emit(null, 'settled', task)
    expect(told).toEqual(['one'])
    listeners.once('failed', one)
    expect(listeners.mask).toBe(EVENT_BIT.failed | EVENT_BIT.settled)
    listeners.emit(null, 'failed', task, { error: undefined })
    expect(listeners.mask, 'the only one was called once').toBe(EVENT_BIT.settled)
  })

  it('keep the bit when one of two listeners is removed', () => {
    const { listeners, told, tell } = setup()
    const one = tell('one')
    listeners.on('idle', one)
    listeners.once('idle', tell('once'))
    listeners.emit(null, 'idle')
    listeners.emit(null, 'idle')
    listeners.off('idle', one)
    listeners.emit(null, 'idle')
    expect(told).toEqual(['one', 'once', 'one'])
    expect(listeners.mask).toBe(0)
  })

  it('call a listener of once only once, also when its event is emitted again during the call', () => {
    const { listeners, told } = setup()
    listeners.once('idle', () => {
      told.push('once')
      listeners.emit(null, 'idle')
    })
    listeners.emit(null, 'idle')
    listeners.emit(null, 'idle')
    expect(told).toEqual(['once'])
  })

  it('remove a listener of once before its event', () => {
    const { listeners, told, tell } = setup()
    const once = tell('once')
    listeners.once('idle', once)
    listeners.off('idle', once)
    listeners.emit(null, 'idle')
    expect([told, listeners.mask]).toEqual([[], 0])
  })

  it('do not call a removed listener, however often it was added', () => {
    const { listeners, told, tell } = setup()
    const often = tell('often')
    listeners.on('idle', often)
    listeners.once('idle', often)
    listeners.on('idle', often)
    listeners.off('idle', often)
    listeners.emit(null, 'idle')
    expect([told, listeners.mask]).toEqual([[], 0])
  })

  it('keep the same listener separately per event', () => {
    const { listeners, told, tell } = setup()
    const both = tell('both')
    listeners.on('idle', both)
    listeners.on('settled', both)
    listeners.off('idle', both)
    listeners.emit(null, 'idle')
    listeners.emit(null, 'settled', task)
    expect(told).toEqual(['both'])
  })

  it('ignore the removal of an unknown listener', () => {
    const { listeners, told, tell } = setup()
    listeners.off('idle', tell('unknown'))
    listeners.on('idle', tell('known'))
    listeners.off('idle', tell('unknown'))
    listeners.emit(null, 'idle')
    expect(told).toEqual(['known'])
  })

  it('may be added by a listener, from the next event on', () => {
    const { listeners, told, tell } = setup()
    listeners.once('idle', () => listeners.on('idle', tell('added')))
    listeners.emit(null, 'idle')
    expect(told).toEqual([])
    listeners.emit(null, 'idle')
    expect(told).toEqual(['added'])
  })

  it.each(EVENTS)('F1 are all called at %s when one throws, and the error is reported once', (event) => {
    const { listeners, reported, told, tell } = setup()
    const error = new Error('mine')
    listeners.on(event, tell('before'))
    listeners.on(event, () => {
      throw error
    })
    listeners.once(event, () => {
      throw error
    })
    listeners.on(event, tell('after'))
    const emit = listeners.emit.bind(listeners, null) as (event: PoolEventName, ...args: unknown[]) => void
    emit(event, task)
    expect(told).toEqual(['before', 'after'])
    expect(reported).toEqual([
      { error, event, task },
      { error, event, task }
    ])
  })

  it('report any thrown value unchanged', () => {
    const { listeners, reported } = setup()
    listeners.on('idle', () => {
      throw undefined
    })
    listeners.emit(null, 'idle')
    expect(reported).toEqual([{ error: undefined, event: 'idle', task: undefined }])
  })

  it('F2 may be async: their rejection is reported', async () => {
    const { listeners, reported } = setup()
    listeners.on('settled', async () => {
      throw new Error('later')
    })
    listeners.on('settled', async () => 'well')
    listeners.emit(null, 'settled', task)
    expect(reported).toEqual([])
    await microtasks()
    expect(reported).toEqual([{ error: new Error('later'), event: 'settled', task }])
  })

  it('F2 may return any value', async () => {
    const { listeners, reported } = setup()
    const errors = ['then getter', 'then', 'constructor'].map((message) => new Error(message))
    const thenable = (then: PropertyDescriptor): object => Object.defineProperty({}, 'then', then)
    const fail = (error: unknown) => () => {
      throw error
    }
    const returned: unknown[] = [
      null,
      undefined,
      7,
      'text',
      {},
      () => {},
      thenable({ get: fail(errors[0]) }),
      thenable({ value: fail(errors[1]) }),
      Object.defineProperty(Promise.resolve(), 'constructor', { get: fail(errors[2]) }),
      thenable({
        value: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
          resolve(1)
          reject(2)
          resolve(3)
        }
      })
    ]
    for (const value of returned) listeners.on('idle', () => value)
    listeners.emit(null, 'idle')
    await microtasks()
    expect(new Set(reported.map(({ error }) => error))).toEqual(new Set(errors))
    expect(reported).toHaveLength(3)
  })

  it('are called without this', () => {
    const { listeners } = setup()
    const seen: unknown[] = []
    listeners.on('idle', function (this: unknown) {
      seen.push(this)
    })
    listeners.emit(null, 'idle')
    expect(seen).toEqual([undefined])
  })

  describe.each(['on', 'once', 'off'] as const)('%s', (method) => {
    it.each(['error', '', '__proto__', 'constructor', 'toString', 'IDLE', Symbol('idle'), 5, null, undefined, {}])(
      'refuses the event %s',
      (event) => {
        const { listeners } = setup()
        expect(() => listeners[method](event as 'idle', () => {})).toThrow(/^Expected `event` to be one of 'queued', /)
        expect(() => listeners[method](event as 'idle', () => {})).toThrow(
          typeof event === 'string' ? RangeError : TypeError
        )
        expect(listeners.mask).toBe(0)
      }
    )

    it.each<[unknown, string]>([
      [null, '`null` (null)'],
      [undefined, '`undefined` (undefined)'],
      ['idle', '`"idle"` (string)'],
      [{}, '`[object Object]` (object)'],
      [Object.create(null), '`[object Object]` (object)'],
      [Symbol('s'), '`Symbol(s)` (symbol)']
    ])('refuses the listener %o', (listener, got) => {
      const { listeners } = setup()
      expect(() => listeners[method]('idle', listener as () => void)).toThrow(
        new TypeError(`Expected \`listener\` to be a function, got ${got}`)
      )
      expect(listeners.mask).toBe(0)
    })
  })
})
