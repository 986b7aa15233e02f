import { type Task, type TaskContext, type TaskOptions, WorkerPool, type WorkerPoolOptions } from 'coatcheck'
import { type HttpReply, type TicketRoutesOptions, ticketRoutes } from 'coatcheck/http'
import { onTestFinished } from 'vitest'
import { gate } from '../../support/gate.js'
import { ManualClock } from '../../support/manual-clock.js'
import { requestTo } from './request-of.js'

/** A request, and its reply once there is one. */
export class ClientRequest {
  reply: HttpReply | undefined
  readonly answered: Promise<HttpReply>
  readonly #client = new AbortController()

  constructor(send: (signal: AbortSignal) => Promise<HttpReply | undefined>) {
    this.answered = send(this.#client.signal).then((reply) => {
      this.reply = reply
      return reply as HttpReply
    })
  }

  get signal(): AbortSignal {
    return this.#client.signal
  }

  leave(): void {
    this.#client.abort()
  }
}

/** A task that runs until the test ends it. */
export interface Begun {
  readonly task: Task
  readonly context: TaskContext
  readonly end: (result?: unknown) => Promise<void>
  readonly fail: (error: unknown) => Promise<void>
  readonly progress: (ratio: number, message?: string) => Promise<void>
}

export interface ServiceOptions extends TicketRoutesOptions {
  readonly pool?: Partial<WorkerPoolOptions<Record<never, never>>>
}

/** A pool and its routes, without sockets. The test drives the clock and the tasks. */
export const service = ({ pool: poolOptions, ...options }: ServiceOptions = {}) => {
  const clock = new ManualClock()
  const pool = new WorkerPool({
    concurrency: 2,
    queueCapacity: 10,
    clock,
    retention: { ms: Number.POSITIVE_INFINITY }, // only the routes set timers
    onUnobservedError: () => {},
    ...poolOptions
  }).start()
  const errors: unknown[] = []
  const routes = ticketRoutes(pool, {
    clock,
    random: () => 0,
    onError: (error) => void errors.push(error),
    ...options
  })
  onTestFinished(async () => {
    const stopped = pool.stop({ graceMs: 0, forceMs: 0 })
    await clock.turn()
    await stopped
  })

  const begin = async (taskOptions: TaskOptions = {}): Promise<Begun> => {
    const ended = gate<unknown>()
    let context!: TaskContext
    const task = pool.queueTask((given) => {
      context = given
      return ended.promise
    }, taskOptions)
    await clock.turn()
    return {
      task,
      context,
      end: async (result) => {
        ended.open(result)
        await clock.turn()
      },
      fail: async (error) => {
        ended.fail(error)
        await clock.turn()
      },
      progress: async (ratio, message) => {
        context.progress(ratio, message)
        await clock.turn()
      }
    }
  }

  const send = async (line: string, headers: Readonly<Record<string, string>> = {}): Promise<ClientRequest> => {
    const sent = new ClientRequest((signal) => routes.handle(requestTo(line, { headers, signal })))
    await clock.turn()
    return sent
  }

  return { clock, pool, routes, errors, begin, send }
}

/** The tag of a task's current revision. */
export const tagOf = (task: Task): string => `W/"${task.record().revision}"`
