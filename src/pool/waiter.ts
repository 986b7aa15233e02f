import type { WaitSettings } from '../contract/task-settings.js'
import { Waiter } from '../scheduler/waiter-list.js'
import type { PoolTask } from '../task/task.js'
import type { AttemptContext } from '../task/task-context.js'
import { Deadline } from '../waiting/deadlines.js'
import type { AbortSubscriber } from '../waiting/signals.js'

/** A caller that waits for room. Its task is made, but not accepted. */
export class AdmissionWaiter extends Waiter<AdmissionWaiter> implements AbortSubscriber {
  readonly task: PoolTask
  readonly settings: WaitSettings
  /** The attempt inside which the call was made, if that is tracked and the wait has no limit. */
  readonly inside: AttemptContext | undefined
  readonly deadline: Deadline
  /** The signals that end the wait. */
  readonly signals: ReadonlySet<AbortSignal>
  readonly granted: Promise<PoolTask>
  readonly onAbort: (reason: unknown) => void
  resolve!: (task: PoolTask) => void
  reject!: (reason: unknown) => void

  /**
   * @param dismiss - called when a signal of the wait aborts, and at the time limit
   * @param timedOut - makes the error of the time limit
   */
  constructor(
    task: PoolTask,
    settings: WaitSettings,
    inside: AttemptContext | undefined,
    dismiss: (waiter: AdmissionWaiter, reason: unknown) => void,
    timedOut: () => Error
  ) {
    const { priority, key, delayMs, weight } = settings.task
    super(priority, key, delayMs > 0, weight)
    this.task = task
    this.settings = settings
    this.inside = inside
    this.deadline = new Deadline(() => dismiss(this, timedOut()))
    this.onAbort = (reason) => dismiss(this, reason)
    const { waitSignal } = settings
    this.signals = new Set([waitSignal, settings.task.signal].filter((signal) => signal !== undefined))
    this.granted = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}
