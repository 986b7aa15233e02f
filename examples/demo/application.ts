import { type TaskOptions, WorkerPool, type WorkerPoolOptions } from 'coatcheck'
import {
  type AcceptingRoute,
  invalidField,
  type JsonObject,
  type TicketRoutes,
  type TicketRoutesOptions,
  ticketRoutes
} from 'coatcheck/http'
import { parseGoDuration } from './go-duration.js'
import { refuseForeign } from './loopback.js'
import { queueTaskRoute } from './queue-task.js'
import { userProcess, userProcessQuery } from './user-process.js'
import { type Done, pretend, type Work, type Worker } from './work.js'

/** What may differ from one demo application to another. */
export interface ApplicationOptions
  extends Pick<
    TicketRoutesOptions,
    'closing' | 'random' | 'onError' | 'pollAfterMs' | 'owner' | 'authorize' | 'longPolls' | 'streams'
  > {
  /** What tasks do. */
  readonly work?: Worker
  readonly pool?: Partial<Pick<WorkerPoolOptions, 'concurrency' | 'queueCapacity' | 'clock' | 'onUnobservedError'>>
}

/** A pool, and what a server does with a request. */
export interface Application extends TicketRoutes {
  readonly pool: WorkerPool<Readonly<Record<HandlerName, (work: Work) => Promise<Done>>>>
}

type HandlerName = 'work' | 'queue-task' | 'user-process'

/** The demo: ten workers, a hundred may wait, three ways to hand work in. */
export function application({ work = pretend, pool: poolOptions, ...options }: ApplicationOptions = {}): Application {
  const handlers = { work, 'queue-task': work, 'user-process': work }
  const pool = new WorkerPool({ concurrency: 10, queueCapacity: 100, name: 'demo', ...poolOptions, handlers })
  pool.start()

  const queueTask = queueTaskRoute((input) => pool.queueTask('queue-task', input, labeled(input)))
  const tasks: AcceptingRoute = {
    path: '/tasks',
    submit: (input) => {
      const work = workOf(input)
      return pool.queueTask('work', work, labeled(work))
    }
  }
  const tickets = ticketRoutes(pool, { clock: poolOptions?.clock, ...options, accept: [tasks, queueTask] })

  return {
    ...tickets,
    pool,
    handle: async (request) => {
      const query = userProcessQuery(request.target)
      const hasEffect = query !== undefined || !['GET', 'HEAD', 'OPTIONS'].includes(request.method)
      const foreign = refuseForeign(request, hasEffect)
      if (foreign !== undefined) return foreign
      if (query === undefined) return tickets.handle(request)
      return userProcess(request, query, (input) => pool.queueTask('user-process', input, labeled(input)), tickets)
    }
  }
}

/** The label in the task's record too: the dashboard shows it. */
const labeled = ({ label }: Work): TaskOptions => ({ metadata: { label } })

const MAX_LABEL = 200

/** The body of `POST /tasks`: `{ "label": "…", "work": "2s", "fail": false }`, each with a default. */
function workOf(input: JsonObject): Work {
  const own = (name: string) => (Object.hasOwn(input, name) ? input[name] : undefined)
  const {
    label = '',
    duration = '1s',
    fails = false
  } = { label: own('label'), duration: own('work'), fails: own('fail') }
  if (typeof label !== 'string' || label.length > MAX_LABEL) {
    throw invalidField('/label', `must be a string of at most ${MAX_LABEL} characters`)
  }
  const workMs = typeof duration === 'string' ? parseGoDuration(duration) : undefined
  if (workMs === undefined)
    throw invalidField('/work', 'must be a duration such as 2s or 300ms, from 0 to below 2^31 ms')
  if (typeof fails !== 'boolean') throw invalidField('/fail', 'must be true or false')
  return { label, workMs, fails }
}
