import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskContext } from 'coatcheck'

/** What the demo's tasks are told to do. */
export interface Work {
  /** What the client calls it: only ever shown, never looked up. */
  readonly label: string
  readonly workMs: number
  readonly fails: boolean
}

/** What they result in. */
export interface Done {
  readonly label: string
  readonly workedMs: number
}

/** Does the work of a task; `progress` and `signal` are the task's. */
export type Worker = (work: Work, context: Pick<TaskContext, 'signal' | 'progress'>) => Promise<Done>

const STEPS = 20

/** Pretends to work: takes its time, says how far it is, and stops when asked to. */
export const pretend: Worker = async ({ label, workMs, fails }, { signal, progress }) => {
  for (let step = 1; step <= STEPS; step++) {
    await sleep(workMs / STEPS, undefined, { signal })
    progress(step / STEPS, `step ${step} of ${STEPS}`)
    if (fails && step === STEPS / 2) throw new Error(`no paper left in tray 2 for ${label}`)
  }
  return { label, workedMs: workMs }
}
