import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskContext } from '../../src/index.js'
import type { Line } from './log.js'

export const chance = (share: number): boolean => Math.random() < share
export const below = (limit: number): number => Math.floor(Math.random() * limit)

export const NAMES = ['once', 'again', 'flaky'] as const

/** Handlers of a process that is killed. Each writes that it was called, and takes less than `longestMs`. */
export const handlersOf = (write: (line: Line) => void, longestMs: number) => {
  const called = (handler: string, { id, attempt }: TaskContext): void =>
    write({ what: 'called', id, attempt, handler })
  return {
    once: async (input: number, context: TaskContext): Promise<number> => {
      called('once', context)
      await sleep(below(longestMs), undefined, { signal: context.signal })
      return input
    },
    again: {
      run: async (input: number, context: TaskContext): Promise<number> => {
        called('again', context)
        context.progress(0.5)
        await sleep(below(longestMs)) // takes no notice of its signal
        return input
      },
      rerun: true
    },
    flaky: {
      run: async (input: number, context: TaskContext): Promise<number> => {
        called('flaky', context)
        if (chance(0.5)) throw new Error('not this time')
        await sleep(below(longestMs / 3), undefined, { signal: context.signal })
        return input
      },
      rerun: true,
      retry: { attempts: 3, backoffMs: 2 }
    }
  }
}
