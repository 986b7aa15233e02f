/**
 * What task functions have in common with the play that observes them: a gate that they wait at, and how many of them run.
 * It is shared memory, since they may run in threads.
 */
import { threadId } from 'node:worker_threads'

const THREADS = 256
const GATE = THREADS
const PEAK = THREADS + 1
const STARTED = THREADS + 2
const ENDED = THREADS + 3
const NOTIFIED = THREADS + 4
const LOST = THREADS + 5
const KILL_AFTER = THREADS + 6
const SIZE = THREADS + 7

let cells = new Int32Array(new SharedArrayBuffer(SIZE * Int32Array.BYTES_PER_ELEMENT))

/** @type {(cell: number) => number} */
const read = (cell) => Atomics.load(cells, cell)

const running = () => {
  let sum = 0
  for (let thread = 0; thread < THREADS; thread++) sum += read(thread)
  return sum
}

export const board = {
  get shared() {
    return cells.buffer
  },

  /** Uses the board of another thread. @param {SharedArrayBuffer} shared */
  join(shared) {
    cells = new Int32Array(shared)
  },

  clear() {
    cells.fill(0)
  },

  enter() {
    Atomics.add(cells, threadId % THREADS, 1)
    Atomics.add(cells, STARTED, 1)
    Atomics.store(cells, PEAK, Math.max(read(PEAK), running()))
  },

  leave() {
    Atomics.sub(cells, threadId % THREADS, 1)
    Atomics.add(cells, ENDED, 1)
  },

  /** A task function has seen that its signal aborted. */
  notify() {
    Atomics.add(cells, NOTIFIED, 1)
  },

  /** A thread has ended, and with it what ran in it. @param {number} thread */
  lose(thread) {
    if (Atomics.exchange(cells, thread % THREADS, 0) > 0) Atomics.add(cells, LOST, 1)
  },

  /** Opens the gate for those who wait for this level or a lower one. @param {number} level */
  open(level) {
    Atomics.store(cells, GATE, level)
  },

  /** The process kills itself when this many tasks have ended; 0: it does not. @param {number} tasks */
  killAfter(tasks) {
    Atomics.store(cells, KILL_AFTER, tasks)
  },

  get isKillDue() {
    const after = read(KILL_AFTER)
    return after > 0 && read(ENDED) >= after
  },

  get level() {
    return read(GATE)
  },

  /** Task functions that run now. */
  get running() {
    return running()
  },

  /** The greatest number of task functions that ran at the same time. */
  get peak() {
    return read(PEAK)
  },

  get started() {
    return read(STARTED)
  },

  get ended() {
    return read(ENDED)
  },

  get notified() {
    return read(NOTIFIED)
  },

  /** Threads that were ended while a task function ran in them. */
  get lost() {
    return read(LOST)
  }
}
