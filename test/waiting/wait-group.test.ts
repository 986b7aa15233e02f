import { createHook } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DrainTimeoutError, WaitGroup, WaitGroupError } from '../../src/index.js'
import { systemClock } from '../../src/ports/system-clock.js'
import { gate } from '../support/gate.js'
import { ManualClock, microtasks } from '../support/manual-clock.js'

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

/** Records when and how a wait ends. */
function watch(wait: Promise<void>): { ended: string | undefined } {
  const watched: { ended: string | undefined } = { ended: undefined }
  wait.then(
    () => {
      watched.ended = 'done'
    },
    (error: unknown) => {
      watched.ended = String(error)
    }
  )
  return watched
}

const MORE_DONE = new WaitGroupError('done() was called more often than add(): call add() before each done().')
const CLOSED = new WaitGroupError('The group is closed: nothing can be added. Create a new group.')

/** Replaces the system clock by a manual one. */
function manualClock(): ManualClock {
  const clock = new ManualClock()
  vi.spyOn(systemClock, 'now').mockImplementation(() => clock.now())
  vi.spyOn(systemClock, 'timer').mockImplementation((fire) => clock.timer(fire))
  return clock
}

afterEach(() => vi.restoreAllMocks())

describe('WaitGroup: counting', () => {
  it('counts with add and done', () => {
    const group = new WaitGroup()
    expect(group.size).toBe(0)
    group.add()
    group.add(3)
    group.add(0)
    group.add(undefined)
    expect(group.size).toBe(5)
    group.done()
    expect(group.size).toBe(4)
  })

  it('D11 refuses done below zero, and its count stays', () => {
    const group = new WaitGroup()
    expect(() => group.done()).toThrow(MORE_DONE)
    expect(group.size).toBe(0)
    group.add()
    group.done()
    expect(() => group.done()).toThrow(WaitGroupError)
    expect(group.size).toBe(0)
  })

  it.each([-1, Number.NaN, 1.5, Number.POSITIVE_INFINITY, 2 ** 53, '2', null])('D11 refuses add(%s)', (n) => {
    const group = new WaitGroup()
    expect(() => group.add(n as number)).toThrow(typeof n === 'number' ? RangeError : TypeError)
    expect(() => group.add(n as number)).toThrow('Expected `n` to be an integer from 0, got ')
    expect(group.size).toBe(0)
  })

  it('D11 refuses to count beyond the safe integers, and its count stays', () => {
    const group = new WaitGroup()
    group.add(Number.MAX_SAFE_INTEGER - 1)
    group.add()
    group.add(0)
    expect(() => group.add()).toThrow(new RangeError('Expected the count to stay a safe integer'))
    expect(() => group.add(Number.MAX_SAFE_INTEGER)).toThrow(RangeError)
    expect(group.size).toBe(Number.MAX_SAFE_INTEGER)
    group.done()
    group.add()
    expect(group.size).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('D11 refuses add after close, and still accepts done', async () => {
    const group = new WaitGroup()
    group.add()
    group.close()
    group.close()
    const called: string[] = []
    expect(() => group.add()).toThrow(CLOSED)
    expect(() => group.add(0)).toThrow(CLOSED)
    expect(() => group.go(() => called.push('go'))).toThrow(CLOSED)
    expect(() => group.track(Promise.resolve())).toThrow(CLOSED)
    expect(called).toEqual([])
    expect(group.size).toBe(1)
    const wait = group.wait()
    group.done()
    await wait
    await group.wait()
  })
})

describe('WaitGroup: go and track', () => {
  it('go calls the function at once, counts it until it has ended, and returns its result', async () => {
    const group = new WaitGroup()
    const open = gate<string>()
    const calls: number[] = []
    const result = group.go(() => {
      calls.push(group.size)
      return open.promise
    })
    expect([calls, group.size]).toEqual([[1], 1])
    open.open('value')
    await expect(result).resolves.toBe('value')
    expect(group.size).toBe(0)
    await expect(group.go(() => 5)).resolves.toBe(5)
    expect(group.size).toBe(0)
  })

  it('go stops counting a function that throws, and rejects with its error', async () => {
    const group = new WaitGroup()
    const error = new Error('mine')
    const result = group.go(() => {
      throw error
    })
    expect(group.size).toBe(1)
    await expect(result).rejects.toBe(error)
    expect(group.size).toBe(0)
  })

  it.each([5, null, undefined, {}, 'go'])('go refuses %s, which is not a function, and counts nothing', (fn) => {
    const group = new WaitGroup()
    expect(() => group.go(fn as never)).toThrow(TypeError)
    expect(() => group.go(fn as never)).toThrow('Expected `fn` to be a function, got `')
    expect(group.size).toBe(0)
  })

  it('track returns a new promise that settles like the given one', async () => {
    const group = new WaitGroup()
    const [good, bad] = [gate<number>(), gate<number>()] as const
    const [one, other] = [group.track(good.promise), group.track(bad.promise)] as const
    expect(group.size).toBe(2)
    good.open(7)
    await expect(one).resolves.toBe(7)
    expect(group.size).toBe(1)
    bad.fail('a reason')
    await expect(other).rejects.toBe('a reason')
    expect(group.size).toBe(0)
  })

  it('a wait never rejects because of the counted work', async () => {
    const group = new WaitGroup()
    const failures = [group.go(() => Promise.reject(new Error('one'))), group.track(Promise.reject(new Error('two')))]
    const outcomes = Promise.allSettled(failures)
    await expect(group.wait()).resolves.toBeUndefined()
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  it('E6 a thenable that calls both back, twice and later again, counts once', async () => {
    const group = new WaitGroup()
    const callbacks: (() => void)[] = []
    const thenable = Object.fromEntries([
      [
        'then',
        (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
          callbacks.push(
            () => resolve('first'),
            () => reject(new Error('no')),
            () => resolve('second')
          )
          for (const call of callbacks) call()
        }
      ]
    ]) as unknown as PromiseLike<string>
    group.add()
    await expect(group.track(thenable)).resolves.toBe('first')
    for (const call of callbacks) call()
    await microtasks()
    expect(group.size).toBe(1)
    group.done()
  })

  it('E7 a then that throws, when read or called, ends the counting', async () => {
    const group = new WaitGroup()
    const error = new Error('then')
    const fail = (): never => {
      throw error
    }
    const read = Object.defineProperty({}, 'then', { get: fail }) as PromiseLike<void>
    const called = Object.defineProperty({}, 'then', { value: fail }) as PromiseLike<void>
    await expect(group.track(read)).rejects.toBe(error)
    await expect(group.track(called)).rejects.toBe(error)
    expect(group.size).toBe(0)
  })

  it('E8 a thenable that never calls back counts for ever', async () => {
    const group = new WaitGroup()
    void group.track(Object.defineProperty({}, 'then', { value: () => {} }) as PromiseLike<void>)
    const wait = watch(group.wait())
    await microtasks()
    expect([group.size, wait.ended]).toEqual([1, undefined])
  })
})

describe('WaitGroup: waiting', () => {
  it('resolves at once if the count is zero', async () => {
    await new WaitGroup().wait()
    await new WaitGroup().wait({ timeoutMs: 0, signal: new AbortController().signal })
  })

  it('resolves all waits at zero, and not before', async () => {
    const group = new WaitGroup()
    group.add(2)
    const waits = [watch(group.wait()), watch(group.wait())]
    group.done()
    await microtasks()
    expect(waits.map(({ ended }) => ended)).toEqual([undefined, undefined])
    group.done()
    await microtasks()
    expect(waits.map(({ ended }) => ended)).toEqual(['done', 'done'])
  })

  it('D2 resolves the waits at zero, even if something is added in the same tick; a later wait waits', async () => {
    const group = new WaitGroup()
    group.add()
    const before = watch(group.wait())
    group.done()
    group.add()
    const after = watch(group.wait())
    await microtasks()
    expect([before.ended, after.ended]).toEqual(['done', undefined])
    group.done()
    await microtasks()
    expect(after.ended).toBe('done')
  })

  it('ends one wait with the reason of its signal, and no other', async () => {
    const group = new WaitGroup()
    group.add()
    const controller = new AbortController()
    const mine = group.wait({ signal: controller.signal })
    const other = watch(group.wait())
    const reason = { anything: true }
    controller.abort(reason)
    await expect(mine).rejects.toBe(reason)
    expect([listeners(controller.signal), other.ended, group.size]).toEqual([0, undefined, 1])
    await expect(group.wait({ signal: controller.signal }), 'it has aborted already').rejects.toBe(reason)
    group.done()
    await microtasks()
    expect(other.ended).toBe('done')
    await expect(new WaitGroup().wait({ signal: controller.signal }), 'also with nothing to wait for').rejects.toBe(
      reason
    )
  })

  it('prints one line when a foreign signal throws, and waits without it', async () => {
    const lines: unknown[] = []
    vi.spyOn(console, 'error').mockImplementation((line) => void lines.push(line))
    const fail = (what: string) => (): never => {
      throw new Error(what)
    }
    const alike = { aborted: false, addEventListener: fail('add'), removeEventListener: fail('remove') }
    const group = new WaitGroup()
    group.add()
    const wait = watch(group.wait({ signal: alike as unknown as AbortSignal }))
    group.done()
    await microtasks()
    expect(wait.ended).toBe('done')
    expect(lines).toEqual(['coatcheck: unobserved error: Error: add\n', 'coatcheck: unobserved error: Error: remove\n'])
  })

  it('L11 has one listener on a signal that a hundred waits share, and none once they have ended', async () => {
    const group = new WaitGroup()
    group.add()
    const { signal } = new AbortController()
    const waits = Array.from({ length: 100 }, () => group.wait({ signal }))
    expect(listeners(signal)).toBe(1)
    group.done()
    await Promise.all(waits)
    expect(listeners(signal)).toBe(0)
  })

  it('D7 ends at its limit, once, and reports how many it waited for', async () => {
    const clock = manualClock()
    const group = new WaitGroup()
    group.add(3)
    const wait = group.wait({ timeoutMs: 50 })
    const later = watch(group.wait({ timeoutMs: 80 }))
    const watched = watch(wait)
    await clock.advance(49)
    expect(watched.ended).toBeUndefined()
    await clock.advance(1)
    await expect(wait).rejects.toStrictEqual(new DrainTimeoutError(50, { count: 3, ids: [] }))
    expect(watched.ended).toBe('DrainTimeoutError: Still waiting for 3 after 50 ms.')
    expect(later.ended).toBeUndefined()
    group.add()
    await clock.advance(30)
    expect(later.ended).toBe('DrainTimeoutError: Still waiting for 4 after 80 ms.')
    expect(group.size, 'what it waited for goes on').toBe(4)
  })

  it('releases its timer and its signal when it resolves', async () => {
    const alive = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = alive()
    const group = new WaitGroup()
    const { signal } = new AbortController()
    group.add()
    const wait = group.wait({ timeoutMs: 3_600_000, signal })
    expect([alive(), listeners(signal)]).toEqual([before + 1, 1])
    group.done()
    await wait
    expect([alive(), listeners(signal)]).toEqual([before, 0])
  })

  it('leaves no timer behind once nothing waits', async () => {
    const timers = new Set<number>()
    const hook = createHook({
      init: (id, type) => void (type === 'Timeout' && timers.add(id)),
      destroy: (id) => void timers.delete(id)
    }).enable()
    const group = new WaitGroup()
    group.add()
    const controller = new AbortController()
    const waits = [
      group.wait({ timeoutMs: 3_600_000 }),
      group.wait({ timeoutMs: 7_200_000, signal: controller.signal })
    ]
    controller.abort()
    await expect(waits[1]).rejects.toThrow('aborted')
    group.done()
    await waits[0]
    await microtasks()
    hook.disable()
    expect(timers.size).toBe(0)
  })

  it('applies the limit of a wait that begins after all others have ended', async () => {
    const clock = manualClock()
    const group = new WaitGroup()
    group.add()
    const first = group.wait({ timeoutMs: 50 })
    group.done()
    await first
    group.add()
    const second = watch(group.wait({ timeoutMs: 500 }))
    await clock.advance(499)
    expect(second.ended).toBeUndefined()
    await clock.advance(1)
    expect(second.ended).toBe('DrainTimeoutError: Still waiting for 1 after 500 ms.')
  })

  it('is closed and awaited at the end of an `await using` block', async () => {
    const group = new WaitGroup()
    const open = gate()
    void group.track(open.promise)
    const disposed = watch(group[Symbol.asyncDispose]())
    expect(() => group.add()).toThrow(CLOSED)
    await microtasks()
    expect(disposed.ended).toBeUndefined()
    open.open()
    await microtasks()
    expect(disposed.ended).toBe('done')
  })
})
