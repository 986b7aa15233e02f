import { suggestion } from './suggestion.js'
import { textOf } from './task-record.js'

/**
 * One function per kind of argument. Each returns the value unchanged, never coerced, or throws a `TypeError` or
 * `RangeError` of one form.
 */

function wrongType(name: string, expected: string, value: unknown): never {
  throw new TypeError(wording(name, expected, value))
}

function outOfRange(name: string, expected: string, value: unknown): never {
  throw new RangeError(wording(name, expected, value))
}

/** ``Expected `concurrency` to be an integer from 1, got `0` (number)``: the form of every such message. */
export function wording(name: string, expected: string, value: unknown): string {
  return `Expected \`${name}\` to be ${expected}, got \`${shown(value)}\` (${value === null ? 'null' : typeof value})`
}

function shown(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, 60))
      : typeof value === 'object' && value !== null
        ? kindOf(value)
        : textOf(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function kindOf(value: object): string {
  try {
    return Object.prototype.toString.call(value)
  } catch {
    return '[object Object]'
  }
}

/** An integer ≥ `min`; also `Infinity` if `orInfinity` is not empty. */
export function integer(name: string, value: unknown, min: number, orInfinity = ''): number {
  const expected = `an integer from ${min}${orInfinity}`
  if (typeof value !== 'number') return wrongType(name, expected, value)
  if (orInfinity !== '' && value === Number.POSITIVE_INFINITY) return value
  if (!Number.isSafeInteger(value) || value < min) return outOfRange(name, expected, value)
  return value
}

/** An integer from `min` to `max`. */
export function integerWithin(name: string, value: unknown, min: number, max: number): number {
  const expected = `an integer from ${min} to ${max}`
  if (typeof value !== 'number') return wrongType(name, expected, value)
  if (!Number.isInteger(value) || value < min || value > max) return outOfRange(name, expected, value)
  return value
}

/** Any safe integer. */
export function safeInteger(name: string, value: unknown): number {
  if (typeof value !== 'number') return wrongType(name, 'a safe integer', value)
  if (!Number.isSafeInteger(value)) return outOfRange(name, 'a safe integer', value)
  return value
}

/** A number of milliseconds ≥ 0; `Infinity` means no limit. */
export function duration(name: string, value: unknown): number {
  if (typeof value !== 'number') return wrongType(name, 'a number of milliseconds from 0', value)
  if (!(value >= 0)) return outOfRange(name, 'a number of milliseconds from 0', value)
  return value
}

/** A finite number of milliseconds ≥ 0. */
export function finiteDuration(name: string, value: unknown): number {
  if (typeof value !== 'number') return wrongType(name, 'a finite number of milliseconds from 0', value)
  if (!(value >= 0) || value === Number.POSITIVE_INFINITY)
    return outOfRange(name, 'a finite number of milliseconds from 0', value)
  return value
}

/** A finite number of milliseconds > 0. */
export function interval(name: string, value: unknown): number {
  if (typeof value !== 'number') return wrongType(name, 'a finite number of milliseconds above 0', value)
  if (!(value > 0) || value === Number.POSITIVE_INFINITY)
    return outOfRange(name, 'a finite number of milliseconds above 0', value)
  return value
}

/** A finite number > 0, at most that of the whole pool. */
export function weight(name: string, value: unknown, capacity: number): number {
  if (typeof value !== 'number') return wrongType(name, 'a finite number above 0', value)
  if (!(value > 0) || value === Number.POSITIVE_INFINITY) return outOfRange(name, 'a finite number above 0', value)
  if (value > capacity) return outOfRange(name, `at most the \`weightCapacity\` of the pool, ${capacity}`, value)
  return value
}

/** A string of at most 256 characters. */
export function text(name: string, value: unknown): string {
  if (typeof value !== 'string') return wrongType(name, 'a string of at most 256 characters', value)
  if (value.length > 256) return outOfRange(name, 'a string of at most 256 characters', value)
  return value
}

const ID = /^[A-Za-z0-9._:-]{1,128}$/

/** A ticket chosen by the caller. */
export function ticket(name: string, value: unknown): string {
  const expected = '1 to 128 characters of A-Z a-z 0-9 . _ : - (not "." or "..")'
  if (typeof value !== 'string') return wrongType(name, expected, value)
  if (value.length > 128 || !ID.test(value) || value === '.' || value === '..') return outOfRange(name, expected, value)
  return value
}

export function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') return wrongType(name, 'true or false', value)
  return value
}

/** One of a closed set of strings. */
export function oneOf<const T extends string>(name: string, value: unknown, words: readonly T[]): T {
  const expected = `one of ${words.map((word) => `'${word}'`).join(', ')}`
  if (typeof value !== 'string') return wrongType(name, expected, value)
  return words.find((word) => word === value) ?? unknownWord(name, expected, value, words)
}

function unknownWord(name: string, expected: string, value: string, words: readonly string[]): never {
  throw new RangeError(wording(name, expected, value) + suggestion(value, words))
}

export function isFunction(value: unknown): value is (...args: never) => unknown {
  return typeof value === 'function'
}

/** A function that can be called without `new`; classes are refused. */
export function callable<F>(name: string, value: unknown): F {
  if (!isFunction(value)) return wrongType(name, 'a function', value)
  return 'prototype' in value ? notClass(name, value) : (value as F)
}

function notClass<F>(name: string, value: object): F {
  if (isClass(value)) throw new TypeError(`Expected \`${name}\` to be a function, got a class`)
  return value as F
}

/**
 * The `prototype` property of a class or a built-in constructor is not writable. That of another function is writable
 * unless the function is frozen; in that case its source text decides.
 */
function isClass(value: object): boolean {
  if (Object.getOwnPropertyDescriptor(value, 'prototype')?.writable !== false) return false
  return !Object.isFrozen(value) || Function.prototype.toString.call(value).startsWith('class')
}

/** An object whose prototype is `null` or the `Object.prototype` of any realm. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

export function abortSignal(name: string, value: unknown): AbortSignal {
  if (!(value instanceof AbortSignal) && !looksLikeSignal(value)) return wrongType(name, 'an AbortSignal', value)
  return value
}

/** Accepts signals of another realm or of a library. */
function looksLikeSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
  return typeof aborted === 'boolean' && isFunction(addEventListener) && isFunction(removeEventListener)
}

/** The arguments of `progress`. */
export function progressArguments(ratio: unknown, message: unknown): void {
  if (typeof ratio !== 'number') wrongType('ratio', 'a number', ratio)
  if (message !== undefined && typeof message !== 'string') wrongType('message', 'a string', message)
}

/** An options object without unknown keys. */
export function optionsOf<T extends object>(name: string, value: unknown, known: Readonly<Record<keyof T, true>>): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrongType(name, 'an object', value)
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(known, key)) {
      const names = Object.keys(known)
      throw new TypeError(
        `Expected \`${name}\` to have only the options ${names.join(', ')}, got \`${key.slice(0, 60)}\`` +
          suggestion(key, names)
      )
    }
  }
  return value as T
}

/** The JSON text of a value that JSON represents without loss; else a `TypeError` with the path of the wrong part. */
export function jsonText(name: string, value: unknown): string {
  const path = firstBeyondJson(value, name, [])
  if (path !== undefined)
    throw new TypeError(
      `Expected \`${path}\` to be JSON (null, booleans, finite numbers, strings, arrays, plain objects, at most ${MAX_DEPTH} levels deep)`
    )
  return JSON.stringify(value)
}

const MAX_DEPTH = 64

/** The path of the first part that JSON cannot represent. Properties that are `undefined` are skipped, as in JSON. */
function firstBeyondJson(value: unknown, path: string, parents: readonly object[]): string | undefined {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path
  if (typeof value !== 'object' || parents.includes(value) || parents.length >= MAX_DEPTH || 'toJSON' in value)
    return path
  const inside = [...parents, value]
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const wrong = firstBeyondJson(value[index], `${path}[${index}]`, inside)
      if (wrong !== undefined) return wrong
    }
    return undefined
  }
  if (!isPlainObject(value)) return path
  for (const [key, part] of Object.entries(value)) {
    const wrong = part === undefined ? undefined : firstBeyondJson(part, `${path}.${key}`, inside)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

/** In the description of a number that may be `Infinity`. */
export const OR_INFINITY = ', or Infinity'

/** Checks a value that may be left out: `undefined` counts as not given. */
export function given<T, D>(value: unknown, check: (value: unknown) => T, otherwise: D): T | D {
  return value === undefined ? otherwise : check(value)
}
