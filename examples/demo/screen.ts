import type { WriteStream } from 'node:tty'
import { type Paint, paint } from './paint.js'

/** Where the show is seen: a terminal that can be painted over, or a file that lines are added to. */
export interface Screen {
  readonly isLive: boolean
  readonly paint: Paint
  /** Adds a line for good. */
  say(line: string): void
  /** Shows a picture in place of the one before; nothing where there is no terminal. */
  show(picture: readonly string[]): void
  /** Leaves the last picture standing and gives the cursor back. */
  release(): void
}

const sequence = (code: string): string => `\u001B[${code}`

// While it is painted over there is no cursor, and a long line is cut: a wrapped one would be one more to go back.
const BEGIN = sequence('?25l') + sequence('?7l')
const END = sequence('?7h') + sequence('?25h')
const CLEAR_LINE = sequence('K')
const CLEAR_DOWN = sequence('J')

/** Colors only where somebody looks, and not against their wish (`NO_COLOR`, a dumb terminal). */
export function screenOf(out: WriteStream, env: NodeJS.ProcessEnv): Screen {
  const isLive = out.isTTY === true && env['TERM'] !== 'dumb'
  const isColored = isLive && (env['NO_COLOR'] ?? '') === ''
  let height = 0

  return {
    isLive,
    paint: paint(isColored),
    say: (line) => void out.write(`${line}\n`),
    show: (picture) => {
      if (!isLive) return
      const lines = picture.slice(0, Math.max(1, (out.rows ?? 24) - 1)) // what has scrolled away cannot be painted over
      const back = height === 0 ? '' : `${sequence(`${height}A`)}\r`
      out.write(`${BEGIN}${back}${lines.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_DOWN}`)
      height = lines.length
    },
    release: () => {
      height = 0
      if (isLive) out.write(END)
    }
  }
}
