/**
 * For tests that compare what the routes read from requests with oracles: the grammars of the standards, exact arithmetic,
 * parsers of the platform. Each request passes through `handle`.
 */
import { WorkerPool } from 'coatcheck'
import { type HttpReply, type HttpRequest, type JsonObject, ticketRoutes } from 'coatcheck/http'
import fc from 'fast-check'
import { onTestFinished } from 'vitest'
import { ManualClock } from '../../support/manual-clock.js'
import { requestTo } from './request-of.js'

/** Generates values up to the stated bounds; by default they are short, and prove little. */
export const LONG = { size: 'max' } as const

/** Text of these characters. */
export const textOf = (characters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), maxLength, ...LONG })

/** Text of all characters that a header can contain; those with a meaning are more frequent. */
export const headerText = (characters: string, maxLength: number) =>
  fc
    .array(
      fc.oneof(
        { arbitrary: fc.constantFrom(...characters), weight: 20 },
        {
          arbitrary: fc
            .integer({ min: 0x20, max: 0xff })
            .filter((code) => code !== 0x7f)
            .map((code) => String.fromCharCode(code)),
          weight: 1
        }
      ),
      { maxLength, ...LONG }
    )
    .map((parts) => parts.join(''))

/** Routes whose tasks never start, with one task for each of the ids. */
export function idleRoutes(
  ids: readonly string[] = [],
  options: { readonly maxBodyBytes?: number; readonly pollAfterMs?: number } = {}
) {
  const pool = new WorkerPool({ concurrency: 1, queueCapacity: Number.POSITIVE_INFINITY, clock: new ManualClock() })
  onTestFinished(() => pool.stop({ graceMs: 0, forceMs: 0 }).then(() => {}))
  const inputs: JsonObject[] = []
  const routes = ticketRoutes(pool, {
    ...options,
    accept: [
      {
        path: '/tasks',
        submit: (input) => {
          inputs.push(input)
          const task = pool.queueTask(() => {})
          task.cancel() // or the queue would grow with each run
          return task
        }
      }
    ]
  })
  for (const id of ids) pool.queueTask(() => {}, { id })
  const send = async (line: string, parts: Partial<HttpRequest> = {}): Promise<HttpReply> => {
    const reply = await routes.handle(requestTo(line, parts))
    if (reply === undefined) throw new Error(`${line} is none of the routes`)
    return reply
  }
  return { pool, inputs, send }
}
