import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Call, Notice, Outcome, Progress, Report } from '../messages.js'
import type { TransferList } from '../thread-context.js'
import { thrownOf } from '../thrown.js'
import { type Load, outcomeOf } from './outcome-of.js'
import { type CallPort, RunningCall } from './running-call.js'

/** The end of a port that is in the thread. It serves one call after the other. */
export class ThreadPort implements CallPort {
  readonly #port: MessagePort
  readonly #load: Load
  readonly #early: Notice[] = []
  #number = 0
  #call: RunningCall | undefined

  constructor(port: MessagePort, load: Load) {
    this.#port = port
    this.#load = load
    port.on('message', (notice: Notice) => this.#take(notice))
  }

  /** Calls the function and sends its outcome. Never rejects. */
  async run(call: Call): Promise<void> {
    const running = new RunningCall(call.facts, this)
    this.#number = call.number
    this.#call = running
    this.receive()
    for (const notice of this.#early.splice(0)) this.#take(notice)
    const outcome = await outcomeOf(call, running, this.#load)
    running.end()
    this.#end(outcome, running.transferred)
  }

  receive(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#take(next)
  }

  report(progress: Progress): void {
    this.#send({ progress })
  }

  #next(): Notice | undefined {
    return receiveMessageOnPort(this.#port)?.message as Notice | undefined
  }

  /** A notice comes by another way than the call: it may be early or late. */
  #take(notice: Notice): void {
    if (notice.number === this.#number) this.#call?.take(notice)
    else if (notice.number > this.#number) this.#early.push(notice)
  }

  #end(outcome: Outcome, transferred: TransferList): void {
    this.#call = undefined
    try {
      this.#send({ outcome }, transferred)
    } catch (error) {
      this.#send({ outcome: { uncloneable: thrownOf(error) } })
    }
  }

  #send(report: Report, transferred?: TransferList): void {
    this.#port.postMessage(report, transferred)
  }
}
