import { pointerOf } from '../wire/json-pointer.js'
import type { FieldProblem } from '../wire/problems.js'
import { invalidField } from '../wire/request-error.js'
import type { JsonObject } from './json-object.js'
import { textsWithValuesOf } from './sent-values.js'
import type { SchemaIssue, StandardSchema } from './standard-schema.js'

/** The most wrong fields in one answer. A body can have a wrong value in every other byte. */
const MAX_FIELDS = 20

/** The longest detail, in characters. */
const MAX_DETAIL = 256

/** How messages quote the value at their end: those of zod and valibot; of arktype; the error of a parser. */
const QUOTED_LAST = /(?:(?:,| but) received |: received | \((?:was |\w*Error: )).*$/is

/** How arktype quotes the value before a list of what it must be. */
const QUOTED_FIRST = / \(.*\) must be\.\.\./s

const GENERAL_DETAIL = 'is not valid'

/**
 * The output of a schema for a body.
 *
 * @throws RequestError (400) with the issues of the schema as fields; what the schema throws, or TypeError for a result that
 *   is none: an error of the server
 */
export async function validated(schema: StandardSchema, input: JsonObject): Promise<unknown> {
  const result = await schema['~standard'].validate(input)
  if (typeof result !== 'object' || result === null) {
    throw new TypeError('Expected the schema of `body` to return a value or issues')
  }
  if (result.issues === undefined) return result.value
  throw invalidField(fieldsOf(result.issues, input))
}

function fieldsOf(issues: readonly SchemaIssue[], input: JsonObject): readonly FieldProblem[] {
  const fields = issues.slice(0, MAX_FIELDS).map(({ message, path = [] }) => ({
    pointer: pointerOf(path.map((part) => (typeof part === 'object' ? part.key : part))),
    detail: withoutQuotes(message)
  }))
  const repeating = textsWithValuesOf(
    input,
    fields.map(({ detail }) => detail)
  )
  return fields.map(({ pointer, detail }) => ({
    pointer,
    detail: detail === '' || repeating.has(detail) ? GENERAL_DETAIL : detail
  }))
}

function withoutQuotes(message: string): string {
  return message.replace(QUOTED_FIRST, ' must be...').replace(QUOTED_LAST, '').slice(0, MAX_DETAIL)
}
