/** Nanoseconds in each unit of a Go duration. Longer names first, so that `ms` is not read as `m`. */
const UNITS = [
  ['ns', 1],
  ['us', 1_000],
  ['µs', 1_000], // U+00B5, the micro sign
  ['μs', 1_000], // U+03BC, the Greek letter
  ['ms', 1_000_000],
  ['s', 1_000_000_000],
  ['m', 60_000_000_000],
  ['h', 3_600_000_000_000]
] as const

const MAX_LENGTH = 64

/** Timers of the platform go no further. */
const LIMIT_MS = 2 ** 31

/**
 * Reads a duration as Go's `time.ParseDuration` does: `60s`, `1h2m3.5s`, `300ms`, `.5s`, `0`; not `60`, `1d`, `1 s`.
 * `undefined` when it is none, when it is negative, or from 2^31 ms on. Looks at each character once.
 *
 * @returns milliseconds, with fractions down to the nanosecond
 */
export function parseGoDuration(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const isNegative = text.startsWith('-')
  const unsigned = isNegative || text.startsWith('+') ? text.slice(1) : text
  const ms = unsigned === '0' ? 0 : sum(unsigned)
  if (ms === undefined || ms >= LIMIT_MS || (isNegative && ms > 0)) return undefined
  return ms
}

/** One or more numbers, each with its unit. */
function sum(text: string): number | undefined {
  if (text === '') return undefined
  let ns = 0
  let at = 0
  while (at < text.length) {
    const whole = digitsEnd(text, at)
    const end = text[whole] === '.' ? digitsEnd(text, whole + 1) : whole
    const hasDigits = whole > at || end > whole + 1
    const unit = UNITS.find(([name]) => text.startsWith(name, end))
    if (!hasDigits || unit === undefined) return undefined
    ns += Math.round(Number(`0${text.slice(at, end)}`) * unit[1])
    at = end + unit[0].length
  }
  return ns / 1_000_000
}

function digitsEnd(text: string, start: number): number {
  let end = start
  while (isDigit(text.charCodeAt(end))) end++
  return end
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}
