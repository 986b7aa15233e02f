import { StoreError } from '../../../contract/store-errors.js'
import { describeError, read } from '../../../contract/task-record.js'

/** Primary result codes of SQLite; extended ones have more above the lowest byte. */
const CODES = { BUSY: 5, IOERR: 10, FULL: 13 } as const

/** Whether an error of a driver has this code: they give a number in `errcode`, or a name in `code`. */
function hasCode(error: unknown, name: keyof typeof CODES): boolean {
  const number = read(error, 'errcode')
  if (typeof number === 'number') return (number & 0xff) === CODES[name]
  const code = read(error, 'code')
  return typeof code === 'string' && (code === `SQLITE_${name}` || code.startsWith(`SQLITE_${name}_`))
}

/** Whether another connection has locked the file. */
export function isBusy(error: unknown): boolean {
  return hasCode(error, 'BUSY')
}

/**
 * The error of a write that failed. After an I/O error the batch may be in the write-ahead log all the same; after any
 * other, a full disk among them, it is not.
 */
export function writeFailure(path: string, cause: unknown): StoreError {
  const reason = hasCode(cause, 'FULL') ? 'the disk is full, or the file has its greatest size' : messageOf(cause)
  return new StoreError(`The store ${path} could not be written: ${reason}.`, {
    cause,
    inDoubt: hasCode(cause, 'IOERR')
  })
}

/** The error of a read that failed. */
export function readFailure(path: string, cause: unknown): StoreError {
  return new StoreError(`The store ${path} could not be read: ${messageOf(cause)}.`, { cause })
}

function messageOf(error: unknown): string {
  return describeError(error).message
}
