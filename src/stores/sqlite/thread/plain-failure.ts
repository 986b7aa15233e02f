import { StoreError } from '../../../contract/store-errors.js'
import { describeError, type ErrorRecord, read } from '../../../contract/task-record.js'
import { StoreDriverError, StoreInUseError, StoreVersionError } from '../errors.js'

/** An error of the store as plain data: what a message between threads keeps of an error is not enough. */
export interface PlainFailure {
  readonly code: unknown
  readonly message: string
  readonly inDoubt: boolean
  readonly path: string
  readonly found: number
  readonly supported: number
  readonly cause: ErrorRecord | undefined
}

export function plainFailure(error: unknown): PlainFailure {
  const cause = read(error, 'cause')
  return {
    code: read(error, 'code'),
    message: describeError(error).message,
    inDoubt: read(error, 'inDoubt') === true,
    path: String(read(error, 'path')),
    found: Number(read(error, 'found')),
    supported: Number(read(error, 'supported')),
    cause: cause === undefined ? undefined : describeError(cause)
  }
}

export function errorOf({ code, message, inDoubt, path, found, supported, cause }: PlainFailure): Error {
  const options = cause === undefined ? {} : { cause: Object.assign(new Error(cause.message), cause) }
  switch (code) {
    case StoreInUseError.code:
      return new StoreInUseError(path, options)
    case StoreVersionError.code:
      return new StoreVersionError(path, found, supported)
    case StoreDriverError.code:
      return Object.assign(new StoreDriverError('', options), { message })
    default:
      return new StoreError(message, { ...options, inDoubt })
  }
}
