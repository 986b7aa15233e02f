import type { WaitSettings } from '../contract/settings.js'
import { Waiter } from '../scheduler/waiter-list.js'
import type { PoolTask } from '../task/task.js'
import type { AttemptContext } from '../task/task-context.js'
import { Deadline } from '../waiting/deadlines.js'
import type { AbortSubscriber } from '../waiting/signals.js'

/** What a waiter needs of its line. */
export interface AdmissionWaiterOwner {
  /** Its limit is reached. */
  expire(waiter: AdmissionWaiter): void
  /** One of its signals aborted. */
  dismiss(waiter: AdmissionWaiter, reason: unknown): void
}

/** A caller that waits for room. Its task is made, but nothing has accepted it. */
export class AdmissionWaiter extends Waiter<AdmissionWaiter> implements AbortSubscriber {
  readonly task: PoolTask
  readonly settings: WaitSettings
  readonly since: number
  /** The attempt that waits here without a limit, where that is looked for. */
  readonly inside: AttemptContext | undefined
  readonly deadline: Deadline
  /** What ends the wait. */
  readonly signals: ReadonlySet<AbortSignal>
  readonly granted: Promise<PoolTask>
  resolve!: (task: PoolTask) => void
  reject!: (reason: unknown) => void
  readonly #line: AdmissionWaiterOwner

  constructor(
    line: AdmissionWaiterOwner,
    task: PoolTask,
    settings: WaitSettings,
    since: number,
    inside: AttemptContext | undefined
  ) {
    super(settings.task.priority, settings.task.key)
    this.#line = line
    this.task = task
    this.settings = settings
    this.since = since
    this.inside = inside
    this.deadline = new Deadline(() => line.expire(this))
    const { waitSignal } = settings
    this.signals = new Set([waitSignal, settings.task.signal].filter((signal) => signal !== undefined))
    this.granted = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  onAbort(reason: unknown): void {
    this.#line.dismiss(this, reason)
  }
}
