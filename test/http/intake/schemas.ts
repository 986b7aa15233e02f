import { type } from 'arktype'
import * as v from 'valibot'
import * as z from 'zod'

/** An order, as each library describes it: the same fields, bounds and conversions. */
export const zodOrder = z.strictObject({
  customer: z.object({ email: z.email(), pin: z.string().regex(/^\d{4}$/) }),
  items: z.array(
    z.object({ kind: z.enum(['print', 'scan']), pages: z.number().int().min(1), tags: z.array(z.string()) })
  ),
  notes: z.record(z.string(), z.string().max(200)).default({}),
  due: z.string().transform((text) => new Date(text))
})

export const valibotOrder = v.strictObject({
  customer: v.object({ email: v.pipe(v.string(), v.email()), pin: v.pipe(v.string(), v.regex(/^\d{4}$/)) }),
  items: v.array(
    v.object({
      kind: v.picklist(['print', 'scan']),
      pages: v.pipe(v.number(), v.integer(), v.minValue(1)),
      tags: v.array(v.string())
    })
  ),
  notes: v.optional(v.record(v.string(), v.pipe(v.string(), v.maxLength(200))), {}),
  due: v.pipe(
    v.string(),
    v.transform((text) => new Date(text))
  )
})

export const arkOrder = type({
  '+': 'reject',
  customer: { email: 'string.email', pin: '/^\\d{4}$/' },
  items: type({ kind: "'print' | 'scan'", pages: 'number.integer >= 1', tags: 'string[]' }).array(),
  notes: type({ '[string]': 'string <= 200' }).default(() => ({})),
  due: type('string').pipe((text) => new Date(text))
})

/** A body without a fault. */
export const order = {
  customer: { email: 'ada@example.org', pin: '0000' },
  items: [{ kind: 'print', pages: 3, tags: ['a4'] }],
  due: '2026-01-01T00:00:00.000Z'
}
