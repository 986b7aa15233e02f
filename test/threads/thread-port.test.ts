/** The side of the thread, here on the other end of a port in this process. */
import { once } from 'node:events'
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { ThreadContext } from 'coatcheck/threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Call, Notice, Outcome, Report } from '../../src/threads/messages.js'
import { ThreadPort } from '../../src/threads/thread/thread-port.js'
import { thrownOf } from '../../src/threads/thrown.js'

type Run = (input: unknown, ctx: ThreadContext) => unknown

class Side {
  readonly port: MessagePort
  readonly thread: ThreadPort
  #calls = 0

  constructor(module: unknown) {
    const { port1, port2 } = new MessageChannel()
    onTestFinished(() => port1.close())
    this.port = port1
    this.thread = new ThreadPort(port2, async (file) => {
      if (file !== 'file:///known') throw new Error(`no ${file}`)
      return module
    })
  }

  /** Calls a function and answers what was sent during that call. */
  async call(name = 'run', file = 'file:///known'): Promise<readonly Report[]> {
    const facts = { id: 'id', name: undefined, key: undefined, attempt: 1, metadata: undefined }
    await this.thread.run({ number: ++this.#calls, file, name, input: 'input', facts } satisfies Call)
    return this.reports()
  }

  notify(notice: Notice): void {
    this.port.postMessage(notice)
  }

  reports(): readonly Report[] {
    const reports: Report[] = []
    for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port))
      reports.push(next.message as Report)
    return reports
  }
}

const sideOf = (run: Run): Side => new Side({ run })

const abort = (number: number, reason: unknown = new Error('aborted')): Notice => ({ number, abort: thrownOf(reason) })

const outcomeOf = async (run: Run, before: (side: Side) => void = () => {}): Promise<Outcome> => {
  const side = sideOf(run)
  before(side)
  const [report] = await side.call()
  if (report === undefined || !('outcome' in report)) throw new Error('no outcome')
  return report.outcome
}

describe('a call in a thread', () => {
  it('sends its outcome', async () => {
    expect(await outcomeOf((input) => `the ${input}`)).toEqual({ value: 'the input' })
    expect(await outcomeOf(() => Promise.reject(1))).toEqual({ thrown: { value: 1 } })
    expect(await outcomeOf(() => () => {})).toMatchObject({ uncloneable: { error: { name: 'DataCloneError' } } })
  })

  it('finds the function in a module, or in its default export', async () => {
    expect(await new Side({ run: () => 1, default: { run: () => 2 } }).call()).toEqual([{ outcome: { value: 1 } }])
    expect(await new Side({ default: { run: () => 2 } }).call()).toEqual([{ outcome: { value: 2 } }])
    expect(await new Side({ walk: () => 1, stand: 2 }).call()).toEqual([{ outcome: { functions: ['walk'] } }])
    expect(await new Side(() => 1).call()).toEqual([{ outcome: { functions: [] } }])
    expect(await new Side({}).call('run', 'file:///other')).toMatchObject([{ outcome: { unloaded: { error: {} } } }])
  })

  it('is not made if it was aborted before', async () => {
    const run = (): never => {
      throw new Error('called')
    }
    expect(await outcomeOf(run, (side) => side.notify(abort(1)))).toEqual({ aborted: true })
  })

  it('knows an abort by its reason, its cause or its name, as the pool does', async () => {
    const failing = (make: (signal: AbortSignal) => unknown, reason?: unknown): Promise<Outcome> => {
      const side = sideOf((_, { signal }) => {
        side.notify(abort(1, reason))
        if (!signal.aborted) throw new Error('no abort has arrived')
        throw make(signal)
      })
      return side.call().then(([report]) => (report as { readonly outcome: Outcome }).outcome)
    }
    expect(await failing((signal) => signal.reason)).toEqual({ aborted: true })
    expect(await failing((signal) => signal.reason, 'a text')).toEqual({ aborted: true })
    expect(await failing((signal) => new Error('wrapped', { cause: signal.reason }))).toEqual({ aborted: true })
    expect(await failing(() => new DOMException('aborted', 'AbortError'))).toEqual({ aborted: true })
    expect(await failing(() => new Error('other'))).toMatchObject({ thrown: { error: { message: 'other' } } })
  })

  it('is not ended by a notice for another call', async () => {
    const side = sideOf((_, { signal, stopping }) => [signal.aborted, stopping.aborted])
    side.notify(abort(2))
    expect(await side.call()).toEqual([{ outcome: { value: [false, false] } }])
    expect(await side.call()).toEqual([{ outcome: { aborted: true } }])
    side.notify(abort(1))
    side.notify({ number: 3, stopping: thrownOf(new Error('stop')) })
    expect(await side.call()).toEqual([{ outcome: { value: [false, true] } }])
    side.notify(abort(3))
    expect(await side.call()).toEqual([{ outcome: { value: [false, false] } }])
  })

  it('can leave a computation by `throwIfAborted`', async () => {
    const side = sideOf((_, { signal }) => {
      signal.throwIfAborted()
      side.notify(abort(1))
      signal.throwIfAborted()
    })
    expect(await side.call()).toEqual([{ outcome: { aborted: true } }])
  })

  it('moves what it names', async () => {
    const { buffer } = new Uint8Array([1, 2])
    const side = sideOf((_, { transfer }) => {
      transfer(buffer)
      return buffer
    })
    expect(await side.call()).toEqual([{ outcome: { value: new Uint8Array([1, 2]).buffer } }])
    expect(buffer.byteLength).toBe(0)
  })

  it('learns of an abort on the event loop, too', async () => {
    const side = sideOf(async (_, { signal }) => {
      side.notify(abort(1))
      await once(signal, 'abort')
      return signal.reason.message
    })
    expect(await side.call()).toEqual([{ outcome: { value: 'aborted' } }])
  })
})

describe('the progress of a call in a thread', () => {
  it('has one message on its way: then the newest follows, and the last one before the outcome', async () => {
    const side = sideOf((_, { progress }) => {
      for (const ratio of [0.1, 0.2, 0.3]) progress(ratio)
      side.notify({ number: 1, progressRead: true })
      progress(0.4, 'read')
      progress(0.5)
      progress(0.6)
    })
    expect(await side.call()).toEqual([
      { progress: [0.1, undefined] },
      { progress: [0.4, 'read'] },
      { progress: [0.6, undefined] },
      { outcome: { value: undefined } }
    ])
  })

  it('is sent as soon as the former one is read', async () => {
    const side = sideOf(async (_, { progress, signal }) => {
      progress(0.1)
      progress(0.2)
      side.notify({ number: 1, progressRead: true })
      side.notify(abort(1))
      await once(signal, 'abort')
      return side.reports()
    })
    expect(await side.call()).toEqual([
      { outcome: { value: [{ progress: [0.1, undefined] }, { progress: [0.2, undefined] }] } }
    ])
  })

  it('is not sent after the end of its call', async () => {
    let late: ThreadContext['progress'] = () => {}
    const side = sideOf((_, { progress }) => {
      late = progress
    })
    await side.call()
    late(0.5)
    expect(side.reports()).toEqual([])
  })
})
