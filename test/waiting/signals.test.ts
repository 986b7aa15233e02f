import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { type AbortSubscriber, Signals, throwIfAborted } from '../../src/waiting/signals.js'

/** Not called here: no signal of these tests throws. */
const unexpected = (error: unknown): void => {
  throw error
}

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

/** Records the reasons that it receives. */
class Subscriber implements AbortSubscriber {
  readonly reasons: unknown[] = []

  onAbort(reason: unknown): void {
    this.reasons.push(reason)
  }
}

describe('Signals', () => {
  it('C9 have one listener per signal, however many subscribe', () => {
    const signals = new Signals(unexpected)
    const { signal } = new AbortController()
    const subscribers = Array.from({ length: 10_000 }, () => new Subscriber())
    for (const subscriber of subscribers) signals.subscribe(signal, subscriber)
    expect([listeners(signal), signals.size]).toEqual([1, 1])
    for (const subscriber of subscribers) signals.unsubscribe(signal, subscriber)
    expect([listeners(signal), signals.size], 'C10 none is left').toEqual([0, 0])
  })

  it('notify every subscriber once with the reason, in the order of subscription, and leave nothing', () => {
    const signals = new Signals(unexpected)
    const controller = new AbortController()
    const { signal } = controller
    const told: string[] = []
    for (const name of ['a', 'b', 'c']) {
      signals.subscribe(signal, { onAbort: (reason) => told.push(`${name} ${reason}`) })
    }
    controller.abort('enough')
    controller.abort('more')
    expect(told).toEqual(['a enough', 'b enough', 'c enough'])
    expect([listeners(signal), signals.size]).toEqual([0, 0])
  })

  it('keep distinct signals apart', () => {
    const signals = new Signals(unexpected)
    const [one, other] = [new AbortController(), new AbortController()] as const
    const both = new Subscriber()
    const single = new Subscriber()
    signals.subscribe(one.signal, both)
    signals.subscribe(other.signal, both)
    signals.subscribe(other.signal, single)
    expect(signals.size).toBe(2)
    one.abort(1)
    expect([both.reasons, single.reasons, signals.size]).toEqual([[1], [], 1])
    other.abort(2)
    expect([both.reasons, single.reasons, signals.size]).toEqual([[1, 2], [2], 0])
  })

  it('do not notify subscribers that unsubscribe during the notification', () => {
    const signals = new Signals(unexpected)
    const controller = new AbortController()
    const late = new Subscriber()
    const last = new Subscriber()
    const first: AbortSubscriber = {
      onAbort() {
        signals.unsubscribe(controller.signal, first)
        signals.unsubscribe(controller.signal, late)
      }
    }
    for (const subscriber of [first, late, last]) signals.subscribe(controller.signal, subscriber)
    controller.abort('x')
    expect([late.reasons, last.reasons]).toEqual([[], ['x']])
    expect([listeners(controller.signal), signals.size]).toEqual([0, 0])
  })

  it('leave nothing when all unsubscribe during the notification', () => {
    const signals = new Signals(unexpected)
    const controller = new AbortController()
    const late = new Subscriber()
    signals.subscribe(controller.signal, { onAbort: () => signals.unsubscribe(controller.signal, late) })
    signals.subscribe(controller.signal, late)
    controller.abort()
    expect(late.reasons).toEqual([])
    expect([listeners(controller.signal), signals.size]).toEqual([0, 0])
  })

  it('ignore an unknown signal or subscriber', () => {
    const signals = new Signals(unexpected)
    const { signal } = new AbortController()
    const known = new Subscriber()
    signals.unsubscribe(signal, known)
    signals.subscribe(signal, known)
    signals.unsubscribe(signal, new Subscriber())
    expect([listeners(signal), signals.size]).toEqual([1, 1])
    signals.unsubscribe(signal, known)
  })

  it('listen again to a signal after its last subscriber had left', () => {
    const signals = new Signals(unexpected)
    const controller = new AbortController()
    const subscriber = new Subscriber()
    signals.subscribe(controller.signal, subscriber)
    signals.unsubscribe(controller.signal, subscriber)
    signals.subscribe(controller.signal, subscriber)
    expect(listeners(controller.signal)).toBe(1)
    controller.abort('x')
    expect(subscriber.reasons).toEqual(['x'])
  })

  it('do not remove foreign listeners', () => {
    const signals = new Signals(unexpected)
    const { signal } = new AbortController()
    const own = (): void => {}
    const subscriber = new Subscriber()
    signal.addEventListener('abort', own)
    signals.subscribe(signal, subscriber)
    expect(listeners(signal)).toBe(2)
    signals.unsubscribe(signal, subscriber)
    expect(getEventListeners(signal, 'abort')).toEqual([own])
  })
})

describe('throwIfAborted', () => {
  it('throws the reason of an aborted signal, whatever it is, and nothing otherwise', () => {
    const controller = new AbortController()
    throwIfAborted(undefined)
    throwIfAborted(controller.signal)
    controller.abort(null)
    let thrown: unknown = 'nothing'
    try {
      throwIfAborted(controller.signal)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeNull()
  })
})
