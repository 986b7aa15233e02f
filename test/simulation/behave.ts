import { type TaskContext, TaskTimeoutError } from '../../src/index.js'
import type { Actor } from './actor.js'
import type { Behaviour } from './plan.js'

/**
 * What the function of a task does, from its call to its end. Says on the actor when it has ended, and how.
 *
 * @param note - is told whose each error is, so that hooks can be held against it
 */
export function behave(actor: Actor, ctx: TaskContext, behaviour: Behaviour, note: (error: object) => void): unknown {
  const own = <E extends object>(error: E): E => {
    if (!(error instanceof TaskTimeoutError)) note(error)
    return error
  }
  const { task } = actor
  const { attempt, name } = task
  const value = `${name}#${attempt}`
  const error = own(new Error(`${value} failed`))
  /** The first end counts, and only that of the present attempt. */
  const ends = (well: boolean, what: unknown): void => {
    if (!actor.alive || task.attempt !== attempt || task.ended !== undefined) return
    actor.alive = false
    actor.finish = undefined
    if (!task.settled) task.ended = { well, value: what }
  }
  switch (behaviour) {
    case 'returns':
      ends(true, value)
      return value
    case 'throws':
      ends(false, error)
      throw error
    case 'resolves':
      return (async () => {
        await null
        ends(true, value)
        return value
      })()
    case 'rejects':
      return (async () => {
        await null
        ends(false, error)
        throw error
      })()
    case 'is an abort nobody asked for': {
      const abort = own(Object.assign(new Error('aborted'), { name: 'AbortError' }))
      ends(false, abort)
      return Promise.reject(abort)
    }
    case 'is a thenable that calls both':
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tried
        then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
          ends(true, value)
          resolve(value)
          reject(error)
          resolve('again')
          void Promise.resolve().then(() => reject(error))
        }
      }
    case 'is a thenable that throws after it called':
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tried
        then: (_: unknown, reject: (error: unknown) => void) => {
          ends(false, error)
          reject(error)
          throw new Error('too late')
        }
      }
    case 'has a then that throws':
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tried
        get then() {
          ends(false, error)
          throw error
        }
      }
    case 'is a thenable that never calls by itself':
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tried
        then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
          actor.finish = (well) => {
            ends(well, well ? value : error)
            if (well) resolve(value)
            else reject(error)
          }
        }
      }
    default:
      return new Promise((resolve, reject) => {
        const fail = (what: unknown): void => {
          ends(false, what)
          reject(what)
        }
        actor.finish = (well) => {
          if (!well) return fail(error)
          ends(true, value)
          resolve(value)
        }
        if (behaviour === 'is deaf') return
        const { signal } = ctx
        const onAbort = (): void => {
          const { reason } = signal
          if (behaviour === 'waits and honours abort') return fail(own(reason))
          if (behaviour === 'waits and fails with the abort as cause') {
            return fail(own(new Error('interrupted', { cause: reason })))
          }
          if (behaviour === 'waits and fails its own way when aborted') return fail(error)
          if (behaviour === 'waits and returns when aborted') return actor.finish?.(true)
          void Promise.resolve().then(() => fail(own(reason)))
        }
        if (signal.aborted) onAbort()
        else signal.addEventListener('abort', onAbort, { once: true })
      })
  }
}
