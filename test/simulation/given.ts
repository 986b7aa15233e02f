/** Options as they are given: what is undefined is left out. */
export type Given<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Leaves out what is undefined. */
export function given<T extends object>(options: T): Given<T> {
  const left: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(options)) if (value !== undefined) left[key] = value
  return left as Given<T>
}
