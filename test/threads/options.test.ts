import { WorkerPool } from 'coatcheck'
import { type CpuTaskOptions, cpuTask } from 'coatcheck/threads'
import { describe, expect, it } from 'vitest'
import { inThread } from './support.js'

const file = new URL('functions.mjs', import.meta.url)

describe('the options of cpuTask', () => {
  it.each<[object, string]>([
    [{}, 'Expected `file` to be a `file:` URL or an absolute path, got `undefined` (undefined)'],
    [{ file: './a.js' }, 'Expected `file` to be a `file:` URL or an absolute path, got `"./a.js"` (string)'],
    [{ file: new URL('https://example.com/a.js') }, 'got `"https://example.com/a.js"` (string)'],
    [{ file, export: 1 }, 'Expected `export` to be a string, got `1` (number)'],
    [
      { file, killAfterMs: Number.POSITIVE_INFINITY },
      'Expected `killAfterMs` to be a finite number of milliseconds from 0'
    ],
    [{ file, idleMs: -1 }, 'Expected `idleMs` to be a number of milliseconds from 0, got `-1` (number)'],
    [{ file, transfer: [] }, 'Expected `transfer` to be a function'],
    [{ file, resourceLimits: { maxOldGenerationSizeMb: 0 } }, 'Expected `resourceLimits.maxOldGenerationSizeMb` to be'],
    [{ file, resourceLimits: { maxOldGenerationSize: 1 } }, 'did you mean `maxOldGenerationSizeMb`?'],
    [{ file, execArgv: '--import' }, 'Expected `execArgv` to be an array of strings, got `"--import"` (string)'],
    [{ file, execArgv: [1] }, 'Expected `execArgv` to be an array of strings'],
    [{ file, killAfter: 1 }, 'did you mean `killAfterMs`?']
  ])('are refused if they are wrong: case %#', (options, message) => {
    expect(() => cpuTask(options as CpuTaskOptions)).toThrow(message)
  })

  it('of any handler are checked by the pool', () => {
    const make = (options: object) => () =>
      new WorkerPool({ concurrency: 1, queueCapacity: 1, handlers: { double: inThread('double', options) } })
    expect(make({ rerun: 1 })).toThrow('Expected `handlers.double.rerun` to be true or false')
    expect(make({ timeoutMs: -1 })).toThrow('Expected `handlers.double.timeoutMs` to be')
    expect(make({ retry: {} })).toThrow('Expected `handlers.double.retry.attempts` to be')
    expect(make({ rerun: true, timeoutMs: 5, retry: { attempts: 2, backoffMs: 1 } })).not.toThrow()
  })
})

describe('killAfterMs', () => {
  const make = (forceMs: number | undefined, killAfterMs: number | undefined) => () =>
    new WorkerPool({
      concurrency: 1,
      queueCapacity: 1,
      forceMs,
      handlers: { double: inThread('double', { killAfterMs }) }
    })

  it('has to be below forceMs, so that a stop does not end before the kill', () => {
    expect(make(2_000, undefined)).toThrow(
      new RangeError(
        'Expected `forceMs` to be above the `killAfterMs` of the handler `double`, 2000, got `2000` (number)'
      )
    )
    expect(make(undefined, 5_000)).toThrow(RangeError)
    expect(make(0, 0)).toThrow(RangeError)
    expect(make(2_001, undefined)).not.toThrow()
    expect(make(Number.POSITIVE_INFINITY, 1e9)).not.toThrow()
  })

  it('is kept by a copy of the handler', () => {
    const handlers = { double: { ...inThread('double'), rerun: true } }
    expect(() => new WorkerPool({ concurrency: 1, queueCapacity: 1, forceMs: 1, handlers })).toThrow(RangeError)
  })
})
