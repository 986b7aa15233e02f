import { integer, interval, isFunction, optionsOf, wording } from '../../contract/checks.js'
import type { Clock } from '../../ports/clock.js'
import { systemClock } from '../../ports/system-clock.js'

/** The part of a clock that the mirror uses. */
export type MirrorClock = Pick<Clock, 'now' | 'timer' | 'yield' | 'randomBytes'>

/** The options of {@link keyvMirror}. */
export interface KeyvMirrorOptions {
  /**
   * How long one operation of the server may take, in milliseconds: finite, above 0.
   *
   * @defaultValue 800
   */
  readonly timeoutMs?: number | undefined

  /**
   * The most records that wait to be written, and the most that are retained for a server that lost its memory. Beyond
   * that the oldest is dropped. An integer from 1.
   *
   * @defaultValue 10,000
   */
  readonly maxWaiting?: number | undefined

  /**
   * How many records are written at the same time. An integer from 1.
   *
   * @defaultValue 32
   */
  readonly parallel?: number | undefined

  /**
   * The largest value that the server takes, in bytes: an integer from 1,000. A larger record is written without its result,
   * and `resultOmitted` says so.
   *
   * @defaultValue 900,000: memcached refuses one megabyte
   */
  readonly maxBytes?: number | undefined

  /**
   * The clock. Replace it only in tests.
   *
   * @defaultValue the system's
   */
  readonly clock?: MirrorClock | undefined
}

/** The options with defaults applied. */
export interface MirrorSettings {
  readonly timeoutMs: number
  readonly maxWaiting: number
  readonly parallel: number
  readonly maxBytes: number
  readonly clock: MirrorClock
}

const OPTIONS = { timeoutMs: true, maxWaiting: true, parallel: true, maxBytes: true, clock: true } as const

/** The least `maxBytes`: a record whose texts are cut to nothing still has to fit. */
const MIN_BYTES = 1_000

/**
 * Checks the options. Each is read once.
 *
 * @throws TypeError or RangeError with the option, the expected value and the given one
 */
export function checkMirrorOptions(options: unknown): MirrorSettings {
  const o = optionsOf<KeyvMirrorOptions>('options', options, OPTIONS)
  const { timeoutMs, maxWaiting, parallel, maxBytes, clock } = o
  return {
    timeoutMs: timeoutMs === undefined ? 800 : interval('timeoutMs', timeoutMs),
    maxWaiting: maxWaiting === undefined ? 10_000 : integer('maxWaiting', maxWaiting, 1),
    parallel: parallel === undefined ? 32 : integer('parallel', parallel, 1),
    maxBytes: maxBytes === undefined ? 900_000 : integer('maxBytes', maxBytes, MIN_BYTES),
    clock: clock === undefined ? systemClock : checkClock(clock)
  }
}

function checkClock(clock: unknown): MirrorClock {
  if (!hasMethods(clock, ['now', 'timer', 'yield', 'randomBytes'])) {
    throw new TypeError(wording('clock', 'a Clock', clock))
  }
  return clock as MirrorClock
}

/**
 * Checks the `keyv` argument.
 *
 * @throws TypeError when it is not a Keyv
 */
export function requireKeyv(keyv: unknown): void {
  if (!hasMethods(keyv, ['get', 'set', 'delete', 'on', 'disconnect'])) {
    throw new TypeError(wording('keyv', 'a Keyv', keyv))
  }
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && names.every((name) => isFunction(Reflect.get(value, name)))
}
