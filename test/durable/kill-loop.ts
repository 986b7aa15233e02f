import {
  type StoredTask,
  StoreError,
  type Task,
  type TaskContext,
  type TaskRecord,
  WorkerPool
} from '../../src/index.js'
import { type MemoryDisk, type MemoryStore, memoryStore } from '../../src/testing/index.js'
import { Random } from '../simulation/random.js'
import { expectBalance, Witness } from '../support/books.js'
import { ManualClock } from '../support/manual-clock.js'

/** Processes that follow each other on one disk. */
const CYCLES = 4
const STEPS = 25

/** What a client was told, and what functions did: it outlives every process. */
class Log {
  /** Tickets whose `recorded` resolved. */
  readonly acknowledged = new Set<string>()
  /** Ends that were shown, by ticket. */
  readonly ends = new Map<string, TaskRecord>()
  /** Tasks that were given up: the caller was told, and nothing was promised. */
  readonly givenUp = new Set<string>()
  /** Calls of functions, as `ticket attempt`. */
  readonly calls = new Set<string>()
  readonly mistakes: string[] = []

  called({ id, attempt }: TaskContext): void {
    const call = `${id} ${attempt}`
    if (this.calls.has(call)) this.mistakes.push(`attempt number twice: ${call}`)
    if (this.ends.has(id)) this.mistakes.push(`called after its end: ${call}`)
    this.calls.add(call)
  }

  ended(task: Task): void {
    const record = task.record()
    if (task.error instanceof StoreError) {
      if (record.startedAt !== undefined) this.mistakes.push(`given up after a call: ${task.id}`)
      this.givenUp.add(task.id)
    } else if (this.ends.has(task.id)) this.mistakes.push(`ended twice: ${task.id}`)
    else this.ends.set(task.id, record)
    task.recorded.catch(() => this.ends.delete(task.id)) // a forced stop said that it could not be written
  }
}

/** One process: a pool under random load until its store is killed, or it stops. */
class Process {
  readonly store: MemoryStore
  readonly clock: ManualClock
  // biome-ignore lint/suspicious/noExplicitAny: a pool with any handlers
  readonly pool: WorkerPool<any>
  readonly #random: Random
  readonly #log: Log
  readonly #witness: Witness
  readonly #open: (() => void)[] = []
  readonly #tasks: Task[] = []
  /** A killed process calls nothing and is told nothing. */
  #alive = true

  constructor(random: Random, log: Log, disk: MemoryDisk | undefined, clock: ManualClock, faulty: boolean) {
    this.#random = random
    this.#log = log
    this.clock = clock
    const sync = random.chance(0.3)
    this.store = memoryStore({ sync, ...(disk === undefined ? undefined : { disk }) })
    void this.store.killed.then(() => this.#die())
    if (faulty && random.chance(0.8)) this.store.killAt(random.integer(1, 30), random.pick(['before', 'after']))
    if (faulty && random.chance(0.5)) {
      const applied = random.chance(0.5)
      this.store.failNext({ after: random.integer(0, 10), applied }, random.integer(1, 3))
    }
    if (faulty && !sync && random.chance(0.5)) this.store.hold()
    this.pool = new WorkerPool({
      concurrency: random.integer(1, 3),
      queueCapacity: 6,
      clock,
      store: this.store,
      maxCrashes: 1_000,
      retry: { attempts: 3, backoffMs: () => random.pick([0, 5, 50]) },
      retention: { count: random.pick([0, 3, 1_000]) },
      graceMs: 20,
      forceMs: 20,
      handlers: {
        quick: (_: unknown, ctx: TaskContext) => this.#called(ctx, () => 'quick'),
        fails: (_: unknown, ctx: TaskContext) =>
          this.#called(ctx, () => {
            throw new Error('fails')
          }),
        waits: { run: (_: unknown, ctx: TaskContext) => this.#called(ctx, () => this.#wait(ctx)), rerun: true },
        once: (_: unknown, ctx: TaskContext) => this.#called(ctx, () => this.#wait(ctx))
      }
    })
    this.#witness = new Witness(this.pool)
    this.pool.on('settled', (task) => {
      if (this.#alive) log.ended(task)
    })
  }

  #die(): void {
    this.#alive = false
  }

  #called<T>(ctx: TaskContext, run: () => T): T {
    if (this.#alive) this.#log.called(ctx)
    return run()
  }

  #wait({ signal }: TaskContext): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#open.push(() => resolve('waited'))
      signal.addEventListener('abort', () => reject(signal.reason))
      if (signal.aborted) reject(signal.reason)
    })
  }

  async live(): Promise<void> {
    if (this.#random.chance(0.8)) this.pool.start()
    for (let step = 0; step < STEPS && this.#alive; step++) await this.#step()
    this.store.kill()
    await this.clock.turn()
    this.#check()
  }

  /** Without a fault: until nothing is left. */
  async finish(): Promise<void> {
    this.pool.start()
    for (
      let step = 0;
      step < 50 && this.pool.stats().running + this.pool.stats().queued + this.pool.stats().delayed > 0;
      step++
    ) {
      for (const open of this.#open.splice(0)) open()
      await this.clock.advance(50)
    }
    const stopped = this.pool.stop()
    await this.clock.advance(100)
    await stopped
    this.#check()
  }

  async #step(): Promise<void> {
    const random = this.#random
    const act = random.pick([
      'queue',
      'queue',
      'queue',
      'open',
      'open',
      'cancel',
      'release',
      'release',
      'turn',
      'advance',
      'start',
      'stop'
    ])
    if (act === 'queue') this.#queue()
    else if (act === 'open') this.#open.shift()?.()
    else if (act === 'cancel') this.#cancel()
    else if (act === 'release') this.store.releaseOne()
    else if (act === 'advance') await this.clock.advance(random.pick([1, 20, 60]))
    else if (act === 'start') this.#start()
    else if (act === 'stop' && random.chance(0.15)) void this.pool.stop(random.chance(0.3) ? { graceMs: 0 } : {})
    if (random.chance(0.6)) await this.clock.turn()
    expectBalance(this.pool)
  }

  #start(): void {
    if (this.pool.state === 'created') this.pool.start()
  }

  #queue(): void {
    const random = this.#random
    const name = random.pick(['quick', 'fails', 'waits', 'once'])
    const id = random.maybe(0.2, () => `chosen-${random.integer(1, 1_000_000)}`)
    try {
      const task: Task = this.pool.queueTask(
        name,
        { n: random.integer(0, 9) },
        {
          priority: random.integer(0, 1),
          ...(id === undefined ? undefined : { id }),
          ...(random.chance(0.1) ? { queueTimeoutMs: 30 } : undefined)
        }
      )
      this.#tasks.push(task)
      task.recorded.then(
        () => this.#alive && this.#log.acknowledged.add(task.id),
        () => {}
      )
    } catch {
      // full, stopping, or the store fails
    }
  }

  #cancel(): void {
    const task = this.#tasks.at(this.#random.integer(0, Math.max(this.#tasks.length - 1, 0)))
    if (task !== undefined) this.pool.cancel(task.id)
  }

  #check(): void {
    try {
      this.#witness.check()
    } catch (error) {
      this.#log.mistakes.push(String(error))
    }
    for (const violation of this.store.violations) this.#log.mistakes.push(violation.message)
  }
}

/** What the disk must say, whatever happened to the processes. */
function compare(log: Log, rows: readonly StoredTask[]): void {
  const byId = new Map(rows.map((row) => [row.id, row]))
  for (const id of log.acknowledged) if (!byId.has(id)) log.mistakes.push(`acknowledged and lost: ${id}`)
  for (const [id, { state, revision, settledAt }] of log.ends) {
    const row = byId.get(id)
    const shown = `${state} ${revision} ${Date.parse(settledAt as string)}`
    const stored = row && `${row.state} ${row.revision} ${row.settledAt}`
    if (stored !== shown) log.mistakes.push(`told ${shown}, on disk ${stored}: ${id}`)
  }
}

/** Runs the processes of a seed, one after the other, and returns what went wrong. */
export async function killLoop(seed: number): Promise<{ readonly mistakes: readonly string[]; readonly seen: Log }> {
  const random = new Random(seed)
  const log = new Log()
  let disk: MemoryDisk | undefined
  let clock = new ManualClock()
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const process = new Process(random, log, disk, clock, true)
    await process.live()
    disk = process.store.disk
    compare(log, disk.tasks())
    clock = new ManualClock(random.integer(0, 5_000), clock.date() + random.integer(0, 100))
  }
  const last = new Process(random, log, disk, clock, false)
  await last.finish()
  const rows = last.store.disk.tasks()
  compare(log, rows)
  for (const { id, state } of rows)
    if (state === 'queued' || state === 'running') log.mistakes.push(`never ended: ${id}`)
  return { mistakes: log.mistakes, seen: log }
}
