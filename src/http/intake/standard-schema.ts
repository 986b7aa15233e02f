import { isFunction } from '../../contract/checks.js'
import { read } from '../../contract/task-record.js'

/**
 * A schema of any library that implements the Standard Schema interface: zod from 3.24, valibot from 1.0, arktype from 2.0
 * and others.
 *
 * @see https://standardschema.dev, version 1
 */
export interface StandardSchema<Output = unknown> {
  /** The part of a schema that is the same in every library. */
  readonly '~standard': {
    /** The version of the interface. */
    readonly version: 1
    /** The name of the library. */
    readonly vendor: string
    /** Checks a value, and converts it. */
    readonly validate: (value: unknown) => SchemaResult<Output> | PromiseLike<SchemaResult<Output>>
    /** For the type checker only. */
    readonly types?:
      | {
          /** What the schema takes. */
          readonly input: unknown
          /** What it returns. */
          readonly output: Output
        }
      | undefined
  }
}

/** What a schema returns: the converted value, or issues. */
export type SchemaResult<Output> =
  | {
      /** The converted value. */
      readonly value: Output
      /** Absent. */
      readonly issues?: undefined
    }
  | {
      /** What is wrong. */
      readonly issues: readonly SchemaIssue[]
    }

/** One fault that a schema found. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string
  /** The path to the value, as property names and indices, or objects with a `key`. */
  readonly path?:
    | readonly (
        | PropertyKey
        | {
            /** A property name or an index. */
            readonly key: PropertyKey
          }
      )[]
    | undefined
}

/** Whether a value is a {@link StandardSchema}. Some libraries make objects, others functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  const standard = read(value, '~standard')
  return read(standard, 'version') === 1 && isFunction(read(standard, 'validate'))
}
