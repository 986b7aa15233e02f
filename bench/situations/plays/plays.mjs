/** The situations, in the order in which they are shown. */
import { cancel } from './cancel.mjs'
import { context } from './context.mjs'
import { failure } from './failure.mjs'
import { full } from './full.mjs'
import { listener } from './listener.mjs'
import { priorities } from './priorities.mjs'
import { restart } from './restart.mjs'
import { sameId } from './same-id.mjs'
import { sharedSignal } from './shared-signal.mjs'
import { stop, stopNow } from './stop.mjs'
import { timeLimit } from './time-limit.mjs'
import { waiting } from './waiting.mjs'

export const plays = {
  full,
  waiting,
  timeLimit,
  cancel,
  stop,
  stopNow,
  restart,
  failure,
  listener,
  sameId,
  priorities,
  sharedSignal,
  context
}
