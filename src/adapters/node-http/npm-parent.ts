import type { Timers } from './timers.js'

/** What is needed of the process to notice the end of its parent. */
export interface ChildProcess {
  readonly ppid: number
  readonly env: Readonly<Record<string, string | undefined>>
}

/** How often is checked whether npm has ended. */
const NPM_CHECK_MS = 200

/**
 * Calls back when npm has ended, if npm started this process: npm and the shell that it starts do not pass SIGTERM on.
 *
 * @returns stops watching
 */
export function whenNpmEnds(child: ChildProcess, timers: Timers, end: () => void): () => void {
  if (child.env['npm_lifecycle_event'] === undefined) return () => {}
  const parent = child.ppid
  const forget = timers.every(NPM_CHECK_MS, () => {
    if (child.ppid === parent) return
    forget()
    end()
  })
  return forget
}
