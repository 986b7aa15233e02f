import { AsyncResource } from 'node:async_hooks'
import { CpuThread } from './cpu-thread.js'
import type { ThreadSettings } from './options.js'

/**
 * The threads of this process that run nothing, of all pools; what was released last is taken first. A thread is started
 * only if there is none here, or in the place of one that has gone. So there are never more threads than there were calls at
 * one time.
 */
const idle: CpuThread[] = []

/** A thread outlives the task that it is started for, whose `AsyncLocalStorage` context it must not retain. */
const scope = /* @__PURE__ */ new AsyncResource('coatcheck.threads')

/** Takes a thread for one call. */
export async function takeThread(settings: ThreadSettings): Promise<CpuThread> {
  const thread = idle.findLast((candidate) => candidate.serves(settings.kind)) ?? idle[0]
  if (thread === undefined) return start(settings)
  remove(thread)
  if (thread.serves(settings.kind)) return thread
  await thread.end()
  return start(settings)
}

/** Keeps a thread for the next call, for a time. */
export function releaseThread(thread: CpuThread, idleMs: number): void {
  if (!thread.isAlive) return
  idle.push(thread)
  thread.idleTimer.set(idleMs)
}

function start(settings: ThreadSettings): CpuThread {
  return scope.runInAsyncScope(() => {
    const thread = new CpuThread(settings)
    void thread.exited.then(() => remove(thread))
    return thread
  })
}

function remove(thread: CpuThread): void {
  thread.idleTimer.clear()
  const index = idle.indexOf(thread)
  if (index >= 0) idle.splice(index, 1)
}
