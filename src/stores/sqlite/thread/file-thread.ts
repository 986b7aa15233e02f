import type { Worker } from 'node:worker_threads'
import { StoreError } from '../../../contract/store-errors.js'
import { type Answer, type NumberedRequest, OPENING, type Request, type ThreadSettings } from './messages.js'
import { errorOf } from './plain-failure.js'
import { startThread } from './start-thread.js'

/** A call that has no answer yet. */
interface Call {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * A thread that holds a file. It keeps the process alive while an answer is due, and from the close to its exit. It is ended
 * by a message only: to terminate it may abort the process.
 */
export class FileThread {
  readonly #path: string
  readonly #worker: Worker
  readonly #calls = new Map<number, Call>()
  readonly #exited: Promise<void>
  #count = OPENING
  #cause: unknown
  #isClosing = false
  /** Whether it still takes requests. */
  isAlive = true

  private constructor(settings: ThreadSettings) {
    this.#path = settings.path
    this.#worker = startThread(settings)
    this.#worker.on('message', (answer: Answer) => this.#take(answer))
    this.#worker.on('error', (error) => {
      this.#cause = error
    })
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#exit(code)
        resolve()
      })
    })
  }

  /**
   * Starts a thread and opens the file in it.
   *
   * @returns the thread, and what the file contains if `settings.load` is true
   */
  static async open(settings: ThreadSettings): Promise<{ readonly thread: FileThread; readonly content: unknown }> {
    const thread = new FileThread(settings)
    try {
      return { thread, content: await thread.#answerTo(OPENING) }
    } catch (error) {
      thread.#worker.ref()
      await thread.#exited
      throw error
    }
  }

  /** Sends a request. Rejects with a `StoreError`; `inDoubt` when the thread ends before it has answered. */
  call(request: Request): Promise<unknown> {
    const call = ++this.#count
    const answer = this.#answerTo(call)
    this.#worker.postMessage({ call, request } satisfies NumberedRequest)
    return answer
  }

  /** Closes the file and waits until the thread has ended. Never rejects. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#worker.ref()
    if (this.isAlive) await this.call({ do: 'close' }).catch(() => undefined)
    await this.#exited
  }

  #answerTo(call: number): Promise<unknown> {
    this.#worker.ref()
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject })
    })
  }

  #take(answer: Answer): void {
    const call = this.#calls.get(answer.call)
    this.#calls.delete(answer.call)
    if (this.#calls.size === 0 && !this.#isClosing) this.#worker.unref()
    if ('failure' in answer) call?.reject(errorOf(answer.failure))
    else call?.resolve(answer.value)
  }

  #exit(code: number): void {
    this.isAlive = false
    const message = `The thread of the store ${this.#path} has ended with the exit code ${code}.`
    for (const { reject } of this.#calls.values())
      reject(new StoreError(message, { cause: this.#cause, inDoubt: true }))
    this.#calls.clear()
  }
}
