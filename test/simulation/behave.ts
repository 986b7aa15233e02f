import { snooze, type TaskContext, TaskTimeoutError } from '../../src/index.js'
import type { Actor } from './actor.js'
import { given } from './given.js'
import type { Behaviour } from './plan.js'

/**
 * What the function of a task does, from its call to its end. Says on the actor when it has ended, and how.
 *
 * @param begun - when it has done what it does later
 * @param note - is told whose each error is, so that hooks can be held against it
 */
export function behave(
  actor: Actor,
  ctx: TaskContext,
  behaviour: Behaviour,
  begun: Promise<void> | undefined,
  note: (error: object) => void
): unknown {
  const { task } = actor
  const { calls, name } = task
  const value = `${name}#${calls}`
  const failure = (): Error => new Error(`${value} failed`)
  /** The first end counts, and only that of the present attempt. */
  const ends = <T>(well: boolean, what: T, snoozeMs?: number): T => {
    if (!actor.alive || task.calls !== calls || task.ended !== undefined) return what
    actor.alive = false
    actor.finish = undefined
    if (!task.settled) task.ended = { well, value: what, ...given({ snoozeMs }) }
    if (!well && !(what instanceof TaskTimeoutError)) note(what as object)
    return what
  }
  const snoozing = (): Error => {
    const { ms = 0 } = task.plan.snoozes ?? {}
    return ends(false, snooze(ms), ms)
  }
  switch (behaviour) {
    case 'snoozes':
      throw snoozing()
    case 'rejects with a snooze':
      return (async () => {
        await null
        throw snoozing()
      })()
    case 'waits and snoozes':
      return new Promise((_, reject) => {
        actor.finish = () => reject(snoozing())
        ctx.signal.addEventListener('abort', () => actor.finish?.(false), { once: true })
        if (ctx.signal.aborted) actor.finish(false)
      })
    case 'returns':
      return ends(true, value)
    case 'throws':
      throw ends(false, failure())
    case 'resolves':
      return (async () => {
        await null
        return ends(true, value)
      })()
    case 'rejects':
      return (async () => {
        await null
        throw ends(false, failure())
      })()
    case 'waits for what it began inside':
      return (async () => {
        await begun
        await Promise.all(actor.began.map(({ ended }) => ended))
        for (const { outcome } of actor.began) if (outcome?.well === false) throw ends(false, outcome.error)
        return ends(true, value)
      })()
    case 'is an abort nobody asked for':
      return Promise.reject(ends(false, Object.assign(new Error('aborted'), { name: 'AbortError' })))
    case 'is a thenable that calls both':
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tried
        then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
          const error = new Error('too late')
          resolve(ends(true, value))
          reject(error)
          resolve('again')
          void Promise.resolve().then(() => reject(error))
        }
      }
    case 'is a thenable that throws after it called':
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tried
        then: (_: unknown, reject: (error: unknown) => void) => {
          reject(ends(false, failure()))
          throw new Error('too late')
        }
      }
    case 'has a then that throws':
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tried
        get then() {
          throw ends(false, failure())
        }
      }
    case 'is a thenable that never calls by itself':
      return {
        // biome-ignore lint/suspicious/noThenProperty: that is what is tried
        then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
          actor.finish = (well) => {
            if (well) resolve(ends(true, value))
            else reject(ends(false, failure()))
          }
        }
      }
    default:
      return new Promise((resolve, reject) => {
        const fail = (what: unknown): void => reject(ends(false, what))
        actor.finish = (well) => {
          if (well) resolve(ends(true, value))
          else fail(failure())
        }
        if (behaviour === 'is deaf') return
        const { signal } = ctx
        const onAbort = (): void => {
          const { reason } = signal
          if (behaviour === 'waits and honours abort') return fail(reason)
          if (behaviour === 'waits and fails with the abort as cause') {
            return fail(new Error('interrupted', { cause: reason }))
          }
          if (behaviour === 'waits and fails its own way when aborted') return fail(failure())
          if (behaviour === 'waits and returns when aborted') return actor.finish?.(true)
          void Promise.resolve().then(() => fail(reason))
        }
        if (signal.aborted) onAbort()
        else signal.addEventListener('abort', onAbort, { once: true })
      })
  }
}
