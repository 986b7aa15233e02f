import type { Worker } from 'node:worker_threads'
import { type Handlers, type HandlersOf, type Task, WorkerPool, type WorkerPoolOptions } from 'coatcheck'
import { type CpuTaskOptions, cpuTask, type ThreadFunction } from 'coatcheck/threads'
import { onTestFinished } from 'vitest'
import { threadFile } from '../../src/threads/thread-file.js'

// The thread's file is compiled here once, so that no thread of the compiler is counted.
threadFile(new URL('../../src/threads/cpu-thread.ts', import.meta.url).href)

const file = new URL('./functions.mjs', import.meta.url)

type Functions = typeof import('./functions.mjs')
type Name = { [K in keyof Functions]: Functions[K] extends ThreadFunction ? K : never }[keyof Functions]
type Named<K extends Name> = Extract<Functions[K], ThreadFunction>

/** The handler of a function of `functions.mjs`. */
export const inThread = <K extends Name>(name: K, options: Partial<CpuTaskOptions<Named<K>>> = {}) =>
  cpuTask<Named<K>>({ file, export: name, ...options })

/** A started pool that is stopped when the test has finished. */
export const started = <H extends HandlersOf<H>>(
  handlers: H & Handlers,
  options: Partial<Omit<WorkerPoolOptions<H>, 'handlers'>> = {}
): WorkerPool<H> => {
  const pool = new WorkerPool<H>({ concurrency: 2, queueCapacity: 100, ...options, handlers } as WorkerPoolOptions<H>)
  onTestFinished(async () => void (await pool.stop({ graceMs: 0 })))
  return pool.start()
}

/** Resolves when the function of a task runs: with its first progress. */
export const begun = (task: Task): Promise<void> =>
  new Promise((resolve) => {
    void (async () => {
      for await (const { progress } of task.changes()) if (progress !== undefined) return resolve()
    })()
  })

/** The threads of this process: those that exist, and how many there were at most. */
export class Threads {
  readonly alive = new Set<Worker>()
  peak = 0
  started = 0

  constructor() {
    const add = (worker: Worker): void => {
      this.started += 1
      this.alive.add(worker)
      this.peak = Math.max(this.peak, this.alive.size)
      worker.once('exit', () => this.alive.delete(worker))
    }
    process.on('worker', add)
    onTestFinished(() => void process.off('worker', add))
  }

  /** Resolves when none exists any more. */
  async gone(): Promise<void> {
    for (const worker of this.alive) await new Promise((resolve) => worker.once('exit', resolve))
  }
}
