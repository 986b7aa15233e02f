import { PoolError } from './errors.js'

/**
 * The process ended several times while the task ran (`maxCrashes` of the pool): the task is suspected to be the reason
 * and is not run again.
 */
export class TaskPoisonedError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_TASK_POISONED'
  readonly code = 'ERR_TASK_POISONED'
  /** The task's id. */
  readonly id: string
  /** How often the process ended while the task ran. */
  readonly crashes: number

  constructor(id: string, crashes: number) {
    super(`The process ended ${crashes} times while the task ${id} ran: it is not run again.`)
    this.id = id
    this.crashes = crashes
  }
}

/**
 * The store of the pool cannot write or read now. Thrown by `queueTask`: nothing was queued. As the error of a task: it
 * was accepted, could not be written and was not called.
 */
export class StoreError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_STORE'
  readonly code = 'ERR_STORE'
  /** Estimated time until the store works again, in milliseconds: an integer from 1,000 to 60,000. */
  readonly retryAfterMs: number
  /** Whether the write may have reached the disk all the same: the task may then be run after a restart. */
  readonly inDoubt: boolean

  constructor(
    message: string,
    options?: ErrorOptions & { readonly inDoubt?: boolean; readonly retryAfterMs?: number }
  ) {
    super(message, options)
    this.retryAfterMs = options?.retryAfterMs ?? 1_000
    this.inDoubt = options?.inDoubt ?? false
  }
}

/**
 * The `reason` on the signal of a task whose process was cut off from the others, or blocked, for longer than its lease:
 * another process may run the task by now, and what this one does about it no longer counts.
 */
export class LeaseLostError extends PoolError {
  /** @internal */
  static readonly code = 'ERR_LEASE_LOST'
  readonly code = 'ERR_LEASE_LOST'
  /** The task's id. */
  readonly id: string

  constructor(id: string) {
    super(`The task ${id} may be run by another process by now: this one did not renew its lease in time.`)
    this.id = id
  }
}
