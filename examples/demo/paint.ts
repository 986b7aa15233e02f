/** Paints text for a terminal, or leaves it as it is. */
export type Paint = Readonly<
  Record<'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'cyan', (text: string) => string>
>

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const

/** @param isColored - whether the reader sees colors; no escape is written otherwise */
export function paint(isColored: boolean): Paint {
  const colored = (code: number) => (text: string) => (isColored ? `\u001B[${code}m${text}\u001B[0m` : text)
  return {
    bold: colored(codes.bold),
    dim: colored(codes.dim),
    red: colored(codes.red),
    green: colored(codes.green),
    yellow: colored(codes.yellow),
    blue: colored(codes.blue),
    cyan: colored(codes.cyan)
  }
}

/** A bar of `width` signs, filled up to a share from 0 to 1. */
export function bar(share: number, width: number): { readonly full: string; readonly rest: string } {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width)
  return { full: '█'.repeat(full), rest: '░'.repeat(width - full) }
}

/** Exactly so many columns, of a text without escapes. */
export function column(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)
}
