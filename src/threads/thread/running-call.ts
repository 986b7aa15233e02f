import { progressArguments } from '../../contract/checks.js'
import { read } from '../../contract/task-record.js'
import { abortController } from '../../ports/abort-controller.js'
import type { CallFacts, Notice, Outcome, Progress } from '../messages.js'
import type { ThreadContext, TransferList } from '../thread-context.js'
import { revived, thrownOf } from '../thrown.js'

/** The port of a thread, as a call sees it. */
export interface CallPort {
  /** Takes in what has arrived. */
  receive(): void
  report(progress: Progress): void
}

/** A call of a function in a thread: its context, and what arrives for it. */
export class RunningCall {
  readonly context: ThreadContext
  readonly transferred: TransferList[number][] = []
  readonly #port: CallPort
  readonly #abort = abortController()
  readonly #stopping = abortController()
  /** Not sent yet. */
  #progress: Progress | undefined
  /** Whether the last progress that was sent is still unread: a call has at most one message on its way. */
  #isUnread = false
  #isOver = false

  constructor(facts: CallFacts, port: CallPort) {
    this.#port = port
    this.context = {
      ...facts,
      signal: attentive(this.#abort.signal, port),
      stopping: attentive(this.#stopping.signal, port),
      progress: (ratio, message) => {
        progressArguments(ratio, message)
        this.#progress = [ratio, message]
        port.receive()
        if (!this.#isUnread) this.#report()
      },
      transfer: (...objects) => void this.transferred.push(...objects)
    }
  }

  take(notice: Notice): void {
    if ('abort' in notice) this.#abort.abort(revived(notice.abort))
    else if ('stopping' in notice) this.#stopping.abort(revived(notice.stopping))
    else {
      this.#isUnread = false
      this.#report()
    }
  }

  /** The outcome of a call that threw. */
  thrown(error: unknown): Outcome {
    this.#port.receive()
    return this.#isAbort(error) ? { aborted: true } : { thrown: thrownOf(error) }
  }

  /** Nothing is reported any more, once the last progress is sent. */
  end(): void {
    this.#report()
    this.#isOver = true
  }

  #report(): void {
    if (this.#progress === undefined || this.#isOver) return
    this.#port.report(this.#progress)
    this.#isUnread = true
    this.#progress = undefined
  }

  /** As the pool recognises it: the reason itself, an error that has it as its cause, or an `AbortError`. */
  #isAbort(error: unknown): boolean {
    const { aborted, reason } = this.#abort.signal
    return (
      aborted &&
      (Object.is(error, reason) || Object.is(read(error, 'cause'), reason) || read(error, 'name') === 'AbortError')
    )
  }
}

/** Lets a signal see an abort in the midst of a computation: whoever reads it takes in what has arrived. */
function attentive(signal: AbortSignal, port: CallPort): AbortSignal {
  return Object.defineProperties(signal, {
    aborted: {
      get: (): unknown => {
        port.receive()
        return Reflect.get(AbortSignal.prototype, 'aborted', signal)
      }
    },
    throwIfAborted: {
      value: (): void => {
        port.receive()
        AbortSignal.prototype.throwIfAborted.call(signal)
      }
    }
  })
}
