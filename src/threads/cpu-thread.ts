import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { printError } from '../contract/print-error.js'
import type { TaskContext } from '../contract/task-contract.js'
import type { Timer } from '../ports/clock.js'
import { systemClock } from '../ports/system-clock.js'
import { ThreadDataError, ThreadExitError } from './errors.js'
import type { Call, CallFacts, Connection, Notice, Outcome, Report } from './messages.js'
import type { CpuTaskSettings, ThreadSettings } from './options.js'
import type { TransferList } from './thread-context.js'
import { threadFile } from './thread-file.js'
import { thrownOf } from './thrown.js'

/** A Piscina never starts a thread by itself here, nor ends one: each has at most one, from its first call to its end. */
const ONE_THREAD = { minThreads: 0, maxThreads: 1, idleTimeout: Number.POSITIVE_INFINITY, recordTiming: false } as const

/** Without atomics a thread that has no call still runs what a function has left behind. */
const ENTRY = { name: 'run', atomics: 'disabled' } as const

/**
 * A thread that runs one call at a time, for any number of calls. It keeps the process alive during a call, and from its kill
 * to its exit.
 */
export class CpuThread {
  /** Ends the thread when it has had no call for some time. */
  readonly idleTimer: Timer
  /** Resolves when the thread has gone. */
  readonly exited: Promise<void>
  /** What it was started with. */
  readonly #kind: string
  readonly #piscina: Piscina<Connection | Call, void>
  readonly #port: MessagePort
  #calls = 0
  /** The present call. */
  #ctx: TaskContext | undefined
  #outcome: Outcome | undefined
  /** Called when the thread has gone. */
  #endWait: ((failure: unknown) => void) | undefined
  #isKilled = false
  #exitCode = 0
  /** What was thrown in the thread and not caught there. */
  #error: unknown

  constructor({ resourceLimits, execArgv, kind }: ThreadSettings) {
    this.#kind = kind
    this.idleTimer = systemClock.timer(() => void this.end())
    this.idleTimer.keepAlive(false)
    this.#piscina = new Piscina({
      ...{ ...ONE_THREAD, ...ENTRY, filename: threadFile(import.meta.url) },
      ...(resourceLimits === undefined ? {} : { resourceLimits }),
      ...(execArgv === undefined ? {} : { execArgv: [...execArgv] })
    })
    this.#piscina.on('error', () => {}) // those of the thread itself are observed below
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#piscina.run({ port: port2 }, { transferList: [port2] }).catch(() => {})
    this.exited = this.#observe(this.#piscina.threads[0] as Worker)
    port1.on('message', (report: Report) => this.#take(report))
    port1.unref()
  }

  /** False as soon as the thread is ending, before it has gone. */
  get isAlive(): boolean {
    return this.#piscina.threads.length > 0
  }

  /** Whether it takes calls of tasks whose threads are of this kind. */
  serves(kind: string): boolean {
    return this.isAlive && this.#kind === kind
  }

  /**
   * Calls a function. An abort is passed on, and after `killAfterMs` the thread is ended.
   *
   * @returns how the function ended. If the thread has ended as well, it has gone
   * @throws the reason of the abort, after a kill
   * @throws ThreadExitError if the thread has ended by itself
   * @throws ThreadDataError if the input cannot be sent
   */
  async call(
    { file, export: name, killAfterMs, transfer }: CpuTaskSettings,
    input: unknown,
    ctx: TaskContext
  ): Promise<Outcome> {
    const number = ++this.#calls
    const kill = systemClock.timer(() => this.#kill())
    const forget = [
      whenAborted(ctx.stopping, (reason) => this.#notify({ number, stopping: thrownOf(reason) })),
      whenAborted(ctx.signal, (reason) => {
        this.#notify({ number, abort: thrownOf(reason) })
        kill.set(killAfterMs)
      })
    ]
    this.#ctx = ctx
    this.#outcome = undefined
    try {
      const failure = await this.#run({ number, file, name, input, facts: factsOf(ctx) }, transfer(input))
      return this.#outcome ?? this.#failed(failure, ctx)
    } finally {
      kill.clear()
      for (const stop of forget) stop()
      this.#ctx = undefined
    }
  }

  /** Ends the thread, and waits until it has gone. */
  end(): Promise<void> {
    void this.#piscina.destroy()
    return this.exited
  }

  /** @returns what Piscina rejects the call with, if it does. That of a thread that cannot be started never ends there. */
  async #run(call: Call, transferList: TransferList): Promise<unknown> {
    const failure = await new Promise((resolve) => {
      this.#endWait = resolve
      this.#piscina.run(call, { transferList: [...transferList] }).then(resolve, resolve)
    })
    if (!this.isAlive) await this.exited
    this.#receive()
    return failure
  }

  /** A call has no outcome. */
  #failed(failure: unknown, { signal }: TaskContext): never {
    if (this.#isKilled) signal.throwIfAborted()
    if (this.isAlive) throw new ThreadDataError('input', { cause: failure })
    throw new ThreadExitError(this.#exitCode, this.#error)
  }

  #kill(): void {
    this.#isKilled = true
    void this.end()
  }

  #notify(notice: Notice): void {
    this.#port.postMessage(notice)
  }

  /** What the thread has sent before the end of its call is there, even if no event has reported it yet. */
  #receive(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port))
      this.#take(next.message as Report)
  }

  #take(report: Report): void {
    if ('outcome' in report) {
      this.#outcome = report.outcome
      return
    }
    this.#ctx?.progress(...report.progress)
    this.#notify({ number: this.#calls, progressRead: true })
  }

  #observe(worker: Worker): Promise<void> {
    worker.once('error', (error) => {
      this.#error = error
      // It is the error of a call if there is one. Otherwise a function has left it behind, and no task has it.
      if (this.#ctx === undefined) printError(error, {})
    })
    return new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#exitCode = code
        this.#receive()
        this.#port.close()
        this.#endWait?.(undefined)
        resolve()
      })
    })
  }
}

function factsOf({ id, name, key, attempt, metadata }: TaskContext): CallFacts {
  return { id, name, key, attempt, metadata }
}

/** @returns stops listening */
function whenAborted(signal: AbortSignal, notify: (reason: unknown) => void): () => void {
  const listener = (): void => notify(signal.reason)
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}
