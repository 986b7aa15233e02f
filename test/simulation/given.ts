/** Options as they are given: what is undefined is left out. */
export type Given<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** Leaves out what is undefined. */
export function given<T extends object>(options: T): Given<T> {
  const left: Partial<T> = {}
  for (const key in options) if (options[key] !== undefined) left[key] = options[key]
  return left as object as Given<T>
}
