import { poll, type SubmitOptions, submit } from 'coatcheck/client'
import { ManualClock } from '../../support/manual-clock.js'
import { ScriptedServer, ORIGIN, quiet, status, TICKET } from './scripted-server.js'

/** A client of a server that the test plays, and the clock that both go by. */
export function setting(usual: SubmitOptions = {}) {
  const clock = new ManualClock()
  const server = new ScriptedServer()
  const reported: string[] = []
  const common = { clock, fetch: server.fetch, onProgress: (each: { status: string }) => void reported.push(each.status) }
  return {
    server,
    /** Time passes, after everything that needs none. */
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

/** What a call came to, to be looked at while it has not: its rejection is nobody's fault until the test asks. */
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
