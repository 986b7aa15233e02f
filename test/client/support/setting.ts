import { poll, type SubmitOptions, submit } from 'coatcheck/client'
import { ManualClock } from '../../support/manual-clock.js'
import { ORIGIN, quiet, ScriptedServer, status, TICKET } from './scripted-server.js'

/** A client, a server whose answers the test writes, and their clock. */
export function setting(usual: SubmitOptions = {}) {
  const clock = new ManualClock()
  const server = new ScriptedServer()
  const reported: string[] = []
  const common = {
    clock,
    fetch: server.fetch,
    onProgress: (each: { status: string }) => void reported.push(each.status)
  }
  return {
    server,
    /** Advances the clock, after everything that needs no time. */
    advance: async (ms: number) => {
      await quiet()
      await clock.advance(ms)
    },
    /** Timers that are set. */
    timers: () => clock.timers(),
    /** The statuses that were reported. */
    reported,
    submit: (options: SubmitOptions = {}) =>
      watched(submit(`${ORIGIN}/tasks`, { width: 200 }, { ...common, ...usual, ...options })),
    poll: (options: SubmitOptions = {}) => watched(poll(`${ORIGIN}/tasks/a`, { ...common, ...usual, ...options })),
    /** Takes the POST and answers it with a ticket. */
    accept: async (headers: Readonly<Record<string, string>> = TICKET, body: unknown = status()) => {
      const post = await server.next('POST /tasks')
      post.answer(202, headers, body)
      return post
    }
  }
}

/** A call and its state. A rejection counts as handled before the test awaits it. */
export interface Watched<T> {
  readonly promise: Promise<T>
  readonly state: () => 'waiting' | 'resolved' | 'rejected'
}

function watched<T>(promise: Promise<T>): Watched<T> {
  let state: ReturnType<Watched<T>['state']> = 'waiting'
  promise.then(
    () => {
      state = 'resolved'
    },
    () => {
      state = 'rejected'
    }
  )
  return { promise, state: () => state }
}
