import { join } from 'node:path'
import type { Stage } from '../../examples/stage.js'
import { root, run } from '../package/run.js'
import { ManualClock } from '../support/manual-clock.js'

/** A line that was said, and when: milliseconds since the beginning. */
export type Said = readonly [ms: number, line: string]

/** Plays an example on a clock held by hand, to its end, and answers what it said when. */
export async function play(example: (stage: Stage) => Promise<void>): Promise<readonly Said[]> {
  const clock = new ManualClock()
  const begunAt = clock.now()
  const said: Said[] = []
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = clock.timer(resolve)
      timer.set(ms)
      signal?.addEventListener(
        'abort',
        () => {
          timer.clear()
          reject(signal.reason)
        },
        { once: true }
      )
    })
  const ended = example({ clock, sleep, say: (line) => void said.push([clock.now() - begunAt, line]) })
  await clock.advance(10_000)
  await ended
  return said
}

/** Runs an example as its reader does and answers the lines it printed, without their times. Fails if its exit code is not 0. */
export async function runExample(name: string): Promise<readonly string[]> {
  const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs')
  const printed = await run(process.execPath, [tsx, join('examples', `${name}.ts`)], root)
  return printed
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^ *\d+ ms {2}/, ''))
}

/** When the lines that match were said. */
export const timesOf = (said: readonly Said[], pattern: RegExp): readonly number[] =>
  said.filter(([, line]) => pattern.test(line)).map(([ms]) => ms)

/** The lines alone. */
export const linesOf = (said: readonly Said[]): readonly string[] => said.map(([, line]) => line)
