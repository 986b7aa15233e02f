import type { CanceledReason } from '../contract/task-record.js'

/** Why a task was canceled. Its error is made when somebody asks for it. */
export class Cancellation {
  readonly reason: CanceledReason
  readonly cause: unknown

  constructor(reason: CanceledReason, cause?: unknown) {
    this.reason = reason
    this.cause = cause
  }

  /** By a call of `cancel`. One object for all calls without a reason: a million cancels make no garbage. */
  static byUser(cause: unknown): Cancellation {
    return cause === undefined ? BY_USER : new Cancellation('user', cause)
  }
}

const BY_USER = /* @__PURE__ */ new Cancellation('user')
