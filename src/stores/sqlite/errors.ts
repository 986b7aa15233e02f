import { PoolError } from '../../contract/errors.js'

/** Another process, or this one, has the file open. Nothing was changed. */
export class StoreInUseError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_STORE_IN_USE'
  readonly code = 'ERR_STORE_IN_USE'
  /** The file. */
  readonly path: string

  constructor(path: string, options?: ErrorOptions) {
    super(
      `The store ${path} is in use: a file serves one process at a time. Stop the other one, give this one its own file, ` +
        'or let it wait with `waitMs`.',
      options
    )
    this.path = path
  }
}

/** The file was written by a newer version of this library. Nothing was changed. */
export class StoreVersionError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_STORE_VERSION'
  readonly code = 'ERR_STORE_VERSION'
  /** The file. */
  readonly path: string
  /** Version of the file's schema. */
  readonly found: number
  /** The newest version that this library knows. */
  readonly supported: number

  constructor(path: string, found: number, supported: number) {
    super(
      `The store ${path} has the schema version ${found}, and this version of the library knows ${supported} and older. ` +
        'Update the library, or use another file.'
    )
    this.path = path
    this.found = found
    this.supported = supported
  }
}

/** There is no SQLite to open the file with, or the one that was named cannot be loaded. */
export class StoreDriverError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_STORE_DRIVER'
  readonly code = 'ERR_STORE_DRIVER'

  /** @param problem - a sentence that says what was looked for */
  constructor(problem: string, options?: ErrorOptions) {
    super(
      `${problem} Use Node 22.13 or newer, which has node:sqlite; or install @photostructure/sqlite; or install ` +
        'better-sqlite3 12 and name it in the option `driver`.',
      options
    )
  }
}
