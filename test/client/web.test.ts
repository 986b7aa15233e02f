/** The client needs nothing that a browser does not have. */
import { join } from 'node:path'
import { poll, submit } from 'coatcheck/client'
import ts from 'typescript'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { webClock } from '../../src/client/web-clock.js'
import { root } from '../package/run.js'
import { ManualClock } from '../support/manual-clock.js'
import { ORIGIN, quiet, ScriptedServer, succeeded } from './support/scripted-server.js'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

describe('the source of the client', () => {
  it('compiles with the types of the web only, and so does everything that it imports', () => {
    const program = ts.createProgram([join(root, 'src/client/index.ts')], {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler
    })
    const found = ts.getPreEmitDiagnostics(program)
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
    const own = program.getSourceFiles().filter(({ fileName }) => !fileName.includes('node_modules'))
    expect(own.length).toBeGreaterThan(10)
  })
})

describe('the clock of the web', () => {
  it('fires once after the delay, rounded up, and not when it was cleared or set again', () => {
    vi.useFakeTimers()
    const fired = vi.fn()
    const timer = webClock.timer(fired)
    timer.set(99.2)
    vi.advanceTimersByTime(99)
    expect(fired).not.toHaveBeenCalled()
    timer.set(10)
    vi.advanceTimersByTime(10)
    expect(fired).toHaveBeenCalledTimes(1)
    timer.set(10)
    timer.clear()
    vi.advanceTimersByTime(1_000)
    expect(fired).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it("does not fire early for a delay beyond the platform's limit", () => {
    vi.useFakeTimers()
    const fired = vi.fn()
    webClock.timer(fired).set(Number.POSITIVE_INFINITY)
    vi.advanceTimersByTime(2 ** 31 - 2)
    expect(fired).not.toHaveBeenCalled()
  })

  it('returns the time and random numbers', () => {
    vi.useFakeTimers({ now: Date.UTC(2030, 0, 1) })
    expect(webClock.date()).toBe(Date.UTC(2030, 0, 1))
    const before = webClock.now()
    vi.advanceTimersByTime(5)
    expect(webClock.now() - before).toBe(5)
    const drawn = webClock.random()
    expect(drawn >= 0 && drawn < 1).toBe(true)
    expect(webClock.randomBytes(16)).toHaveLength(16)
    expect(webClock.randomBytes(16)).not.toEqual(webClock.randomBytes(16))
  })
})

describe('the platform’s fetch', () => {
  it('is called as a function, as browsers require, and looked up at the time of the call', async () => {
    const server = new ScriptedServer()
    let isFunctionCall: boolean | undefined
    vi.stubGlobal('fetch', function (this: unknown, url: string, init: RequestInit) {
      isFunctionCall = this === undefined || this === globalThis
      return server.fetch(url, init)
    })
    const call = poll(`${ORIGIN}/tasks/a`)
    ;(await server.next('GET /tasks/a')).answer(200, {}, succeeded(1))
    expect(await call).toBe(1)
    expect(isFunctionCall).toBe(true)
  })

  it('in the options is called as a function too', async () => {
    const server = new ScriptedServer()
    const receivers: unknown[] = []
    const given = function (this: unknown, url: string, init: RequestInit) {
      receivers.push(this)
      return server.fetch(url, init)
    }
    void submit(`${ORIGIN}/tasks`, {}, { fetch: given, clock: new ManualClock() })
    await quiet()
    expect(receivers).toEqual([undefined])
  })
})
