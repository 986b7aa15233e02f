import { type StopReport, StoreError, snooze, type Task, type TaskContext, WorkerPool } from '../../../src/index.js'
import { type MemoryDisk, type MemoryStore, memoryStore } from '../../../src/testing/index.js'
import { expectBalance, Witness } from '../../support/books.js'
import { microtasks, VirtualClock } from '../virtual-clock.js'
import type { DurableAction, DurableReaction, DurableSetup, DurableTask, Name } from './plan.js'
import { must, type RecordBook } from './record-book.js'

/** The most that may happen in one turn. */
const MOST = 2_000

/** How a process begins. */
export interface HostOptions {
  readonly setup: DurableSetup
  readonly reactions: readonly DurableReaction[]
  readonly book: RecordBook
  readonly seen: Set<string>
  readonly disk: MemoryDisk | undefined
  readonly dateMs: number
  readonly sync: boolean
  readonly lacks: Name | undefined
}

interface OpenCall {
  readonly end: (well: boolean) => void
}

/** One process: a pool with a store, until the store is killed or the pool has stopped. */
export class Host {
  readonly store: MemoryStore
  readonly clock = new VirtualClock()
  // biome-ignore lint/suspicious/noExplicitAny: a pool with any handlers
  readonly pool: WorkerPool<any>
  readonly #options: HostOptions
  readonly #book: RecordBook
  readonly #seen: Set<string>
  readonly #witness: Witness
  readonly #open: OpenCall[] = []
  /** Tasks that this process has seen, by ticket. */
  readonly #tasks = new Map<string, Task>()
  readonly #stored = new Set<Task>()
  readonly #told = new Map<Task, string>()
  readonly #counts = new Map<string, number>()
  /** The last fresh call of each lane. */
  readonly #lanes = new Map<string, number>()
  readonly #running = new Map<string | undefined, number>()
  readonly #broken: unknown[] = []
  readonly #weights = new Map<Task, number>()
  #alive = 0
  #concurrency: number
  #dead = false
  report: StopReport | undefined

  constructor(options: HostOptions) {
    const { setup, disk, sync, lacks, book, seen, dateMs } = options
    this.#options = options
    this.#book = book
    this.#seen = seen
    this.#concurrency = setup.concurrency
    this.clock.wall = dateMs - this.clock.time
    this.store = memoryStore({ sync, ...(disk === undefined ? undefined : { disk }) })
    void this.store.killed.then(() => this.die())
    const { keyConcurrency, weightCapacity, queueTimeoutMs } = setup
    const handlers = Object.fromEntries(Object.entries(this.#handlers()).filter(([name]) => name !== lacks))
    this.pool = new WorkerPool({
      concurrency: setup.concurrency,
      queueCapacity: setup.queueCapacity,
      ...(keyConcurrency === undefined ? undefined : { perKey: { concurrency: keyConcurrency } }),
      ...(weightCapacity === undefined ? undefined : { weightCapacity }),
      ...(queueTimeoutMs === undefined ? undefined : { queueTimeoutMs }),
      retention: { count: setup.retention },
      maxCrashes: setup.maxCrashes,
      retry: { attempts: 2, backoffMs: () => setup.backoffMs },
      clock: this.clock,
      store: this.store,
      onUnobservedError: () => {},
      graceMs: 30,
      forceMs: 30,
      // biome-ignore lint/suspicious/noExplicitAny: a pool with any handlers
      handlers: handlers as any
    })
    this.#witness = new Witness(this.pool)
    this.#listen()
    void this.pool.closed.then((report) => this.#within(() => this.#closed(report)))
    for (const task of this.pool.tasks({ limit: 1_000 })) this.#meet(task, true)
  }

  /** Whether it was killed or has stopped. */
  get isOver(): boolean {
    return this.#dead || this.report !== undefined
  }

  /** A stop may show what it could not write. */
  get #isStopping(): boolean {
    return this.pool.state === 'stopping' || this.pool.state === 'stopped'
  }

  /** Nothing that it does from now on is seen by anybody. */
  die(): void {
    if (this.report === undefined) this.#dead = true
  }

  // ── what its functions do ────────────────────────────────────────────────────────────────────────────────────────

  #handlers(): Record<Name, unknown> {
    const waits = (ctx: TaskContext, deaf: boolean): Promise<string> => this.#called(ctx, () => this.#wait(ctx, deaf))
    return {
      quick: (_: unknown, ctx: TaskContext) => this.#called(ctx, () => 'quick'),
      fails: (_: unknown, ctx: TaskContext) =>
        this.#called(ctx, () => {
          throw new Error('fails')
        }),
      waits: { run: (_: unknown, ctx: TaskContext) => waits(ctx, false), rerun: true },
      once: (_: unknown, ctx: TaskContext) => waits(ctx, false),
      deaf: { run: (_: unknown, ctx: TaskContext) => waits(ctx, true), rerun: true },
      snoozes: {
        rerun: true,
        run: ({ n }: { n: number }, ctx: TaskContext) =>
          this.#called(ctx, () => {
            if ((this.#counts.get(`snooze ${ctx.id}`) ?? 0) >= n) return 'at last'
            this.#counts.set(`snooze ${ctx.id}`, (this.#counts.get(`snooze ${ctx.id}`) ?? 0) + 1)
            if (!this.#dead) this.#book.snoozed(ctx.id, ctx.attempt)
            throw snooze(10)
          })
      },
      reports: {
        rerun: true,
        run: (_: unknown, ctx: TaskContext) =>
          this.#called(ctx, () => {
            ctx.progress(0.5)
            return this.#wait(ctx, false)
          })
      }
    }
  }

  #called<T>(ctx: TaskContext, run: () => T): T {
    if (this.isOver) return run()
    this.#within(() => this.#check(ctx))
    return run()
  }

  #check({ id, attempt, signal }: TaskContext): void {
    must(!signal.aborted, () => `${id} was called with an aborted signal`)
    const task = this.pool.task(id) as Task
    const row = this.store.disk.task(id)
    if (this.#isVolatile(task)) return
    this.#book.call(id, attempt)
    must(row?.state === 'running' && row.attempt === attempt, () => `${id} was called, and is ${row?.state} on disk`)
    if (row !== undefined && row.attempt === 1 && row.options === null && row.failures === 0) this.#checkOrder(row)
  }

  /** First in, first out among the tasks of a lane that never waited for anything else. */
  #checkOrder({ priority, key, seq, name, dueAt, ord, id }: NonNullable<ReturnType<MemoryDisk['task']>>): void {
    if (name === 'snoozes' || dueAt !== null || ord !== seq || this.#counts.has(`delayed ${id}`)) return
    const lane = `${priority} ${key}`
    const last = this.#lanes.get(lane) ?? 0
    must(seq > last, () => `task ${seq} was called after ${last} in one lane`)
    this.#lanes.set(lane, seq)
  }

  #wait(ctx: TaskContext, deaf: boolean): Promise<string> {
    const { id, signal } = ctx
    const { key } = this.pool.task(id) ?? {}
    this.#alive++
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1)
    const { keyConcurrency = Number.POSITIVE_INFINITY } = this.#options.setup
    this.#within(() => {
      must(this.#alive <= this.#concurrency, () => `${this.#alive} functions run at once`)
      const ofKey = key === undefined ? 0 : (this.#running.get(key) as number)
      must(ofKey <= keyConcurrency, () => `${ofKey} functions of key ${key} run at once`)
    })
    return new Promise((resolve, reject) => {
      let ended = false
      const end = (settle: () => void): void => {
        if (ended) return
        ended = true
        this.#alive--
        this.#running.set(key, (this.#running.get(key) as number) - 1)
        settle()
      }
      this.#open.push({
        end: (well) => end(well ? () => resolve('waited') : () => reject(new Error('no luck')))
      })
      if (deaf) return
      signal.addEventListener('abort', () => end(() => reject(signal.reason)))
    })
  }

  // ── what it shows ────────────────────────────────────────────────────────────────────────────────────────────────

  #listen(): void {
    const { pool } = this
    const events = ['queued', 'started', 'retrying', 'snoozed', 'progress', 'settled'] as const
    for (const event of events) {
      pool.on(event, (...[task]: [Task, ...unknown[]]) => {
        if (!this.isOver) this.#within(() => this.#heard(event, task))
      })
    }
    for (const { event, nth, action } of this.#options.reactions) {
      pool.on(event, () => {
        const key = `on ${event} ${nth}`
        const count = (this.#counts.get(key) ?? 0) + 1
        this.#counts.set(key, count)
        if (count === nth && !this.isOver) this.perform(action)
      })
    }
    pool.on('store', ({ failing }) => this.#seen.add(failing ? 'a store that fails' : 'a store that works again'))
  }

  #heard(event: string, task: Task): void {
    this.#meet(task, false)
    const last = this.#told.get(task)
    must(last !== 'settled', () => `${event} of ${task.id} after its end`)
    if (event === 'queued') {
      must(last === undefined, () => `${task.id} was queued twice`)
      this.#book.reuse(task.id)
    }
    if (event === 'started') must(last !== 'started', () => `${task.id} started twice`)
    if (event === 'retrying' || event === 'snoozed' || event === 'progress') {
      must(last === 'started', () => `${event} of ${task.id} after ${last}`)
      this.#seen.add(event === 'retrying' ? 'a retry' : event)
    }
    if (event !== 'progress') this.#told.set(task, event)
    this.#look(task)
    if (event !== 'settled') return
    this.#seen.add(task.state)
    const { code } = (task.record().error ?? {}) as { code?: string }
    if (code !== undefined) this.#seen.add(code)
    if (this.#isVolatile(task)) return
    this.#book.end(task)
    task.recorded.catch(() => {
      if (task.error instanceof StoreError) return
      this.#book.unrecord(task.id)
      this.#within(() => must(this.#isStopping, () => `${task.id} has ended unrecorded, without a stop`))
    })
  }

  /** What is shown of a task is never ahead of the disk. */
  #look(task: Task): void {
    if (this.#isVolatile(task)) return
    const record = task.record()
    this.#book.read(record)
    if (record.startedAt === undefined || task.error instanceof StoreError || this.#isStopping) return
    const row = this.store.disk.task(task.id)
    if (row === undefined) return must(false, () => `${task.id} is ${record.state}, and not on disk`)
    must(row.attempt >= record.attempt, () => `attempt ${record.attempt} of ${task.id} is not on disk`)
  }

  #isVolatile(task: Task | undefined): boolean {
    return task === undefined || !this.#stored.has(task)
  }

  #meet(task: Task, recovered: boolean): void {
    const { id } = task
    if (this.#tasks.get(id) === task) return
    this.#tasks.set(id, task)
    if (recovered) {
      this.#stored.add(task)
      this.#book.read(task.record())
      if (this.store.disk.task(id)?.dueAt !== null) this.#counts.set(`delayed ${id}`, 1)
      this.#seen.add('recovered')
    }
  }

  // ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────

  perform(action: DurableAction): void {
    const { pool, store } = this
    switch (action.do) {
      case 'queue':
        return this.#queue(action.task)
      case 'wait':
        return this.#queueWhenFree(action.task)
      case 'open':
        return this.#open.shift()?.end(action.well)
      case 'cancel':
        return void pool.cancel(this.#idOf(action.target))
      case 'find':
        return this.#find(this.#idOf(action.target))
      case 'forget':
        return this.#forget(this.#idOf(action.target))
      case 'cancel all':
        return void pool.cancelAll()
      case 'start':
        return this.start()
      case 'pause':
        return pool.pause()
      case 'resume':
        return pool.resume()
      case 'resize': {
        const { concurrency, queueCapacity } = action
        this.#concurrency = Math.max(this.#concurrency, concurrency)
        return pool.resize({ concurrency, queueCapacity })
      }
      case 'drain':
        return this.#drain()
      case 'stop':
        return this.stop(action.graceMs, action.forceMs, action.queued)
      case 'hold':
        if (!this.#options.sync) store.hold()
        return
      case 'release':
        return store.release()
      case 'release one':
        return store.releaseOne()
      case 'recover':
        return store.recover()
      case 'fail':
        return store.failNext({ after: action.after, applied: action.applied }, action.count)
      case 'fail get':
        return store.failNext({ operation: 'get' })
      default:
        return action satisfies never
    }
  }

  start(): void {
    if (this.pool.state === 'created') this.pool.start()
  }

  stop(graceMs: number, forceMs: number, queued: 'run' | 'cancel' = 'run'): void {
    this.#seen.add('a stop')
    void this.pool.stop({ graceMs, forceMs, queued })
  }

  #optionsOf({ id, join, key, priority, weight, delayMs, queueTimeoutMs, timeoutMs, attempts, volatile }: DurableTask) {
    return Object.fromEntries(
      Object.entries({
        id,
        onDuplicate: join,
        key,
        priority,
        weight,
        delayMs,
        queueTimeoutMs,
        timeoutMs,
        volatile,
        retry: attempts && { attempts, backoffMs: 3 }
      }).filter(([, value]) => value !== undefined)
    )
  }

  #queue(plan: DurableTask): void {
    if (plan.name === this.#options.lacks) return
    const { pool } = this
    const before = pool.stats()
    let task: Task
    try {
      task = pool.queueTask(plan.name, { n: 1 }, this.#optionsOf(plan))
    } catch (error) {
      this.#refused(error)
      return
    }
    this.#accepted(task, plan)
    if (this.#isStopping) return
    const { queued, delayed } = pool.stats()
    const held = before.queued + before.delayed
    const bound = Math.max(before.queueCapacity, held)
    this.#within(() => must(queued + delayed <= bound, () => `${queued + delayed} tasks are held, not ${bound}`))
  }

  #queueWhenFree(plan: DurableTask): void {
    if (plan.name === this.#options.lacks) return
    void this.pool.queueTaskWhenFree(plan.name, { n: 1 }, { ...this.#optionsOf(plan), waitMs: 200 }).then(
      (task: Task) => {
        if (!this.isOver) this.#accepted(task, plan)
      },
      (error: unknown) => this.#refused(error)
    )
  }

  #refused(error: unknown): void {
    const { code } = error as { code?: string }
    this.#within(() => must(code !== undefined, () => `refused without a code: ${String(error)}`))
    this.#seen.add(`refused ${code}`)
  }

  #accepted(task: Task, { volatile, weight = 1, delayMs }: DurableTask): void {
    if (this.#weights.has(task)) return void this.#seen.add('joined')
    this.#weights.set(task, weight)
    if (delayMs !== undefined) this.#counts.set(`delayed ${task.id}`, 1)
    if (volatile === true) return
    this.#stored.add(task)
    this.#tasks.set(task.id, task)
    task.recorded.then(
      () => {
        if (!this.isOver && this.#tasks.get(task.id) === task) this.#book.acknowledge(task.id)
      },
      () => {}
    )
    this.#checkWeights()
  }

  #checkWeights(): void {
    const { weightCapacity = Number.POSITIVE_INFINITY } = this.#options.setup
    if (this.#seen.has('recovered')) return
    let sum = 0
    for (const [task, weight] of this.#weights) {
      const isDecided = this.pool.stats().untold > 0
      if (task.state === 'queued' || task.state === 'running') sum += isDecided ? 0 : weight
    }
    this.#within(() => must(sum <= weightCapacity, () => `the weights are ${sum}`))
  }

  #idOf(target: number): string {
    const ids = [...this.#tasks.keys()]
    return ids[target % Math.max(ids.length, 1)] ?? 'nobody'
  }

  #find(id: string): void {
    const task = this.#tasks.get(id)
    if (task !== undefined && this.#isVolatile(task)) return
    const check = this.#book.lookUp(id)
    void this.pool.findTask(id).then(
      (record) => {
        if (!this.isOver && this.#tasks.get(id) === task) this.#within(() => check(record))
      },
      (error: unknown) => {
        this.#within(() => must(error instanceof StoreError, () => `findTask threw ${String(error)}`))
        this.#seen.add('a look-up that fails')
      }
    )
  }

  /** Its row is removed, which a kill may forestall: from now on it may be there or not. */
  #forget(id: string): void {
    if (!this.pool.forget(id)) return
    this.#seen.add('forgotten')
    this.#tasks.delete(id)
    this.#book.forget(id)
  }

  #drain(): void {
    const before = [...this.#tasks.values()].filter((task) => task.state === 'queued' || task.state === 'running')
    void this.pool.drain().then(() => {
      if (this.isOver) return
      this.#seen.add('a drain')
      const stops = this.#isStopping
      for (const { id, state } of before) {
        const isShown = state !== 'running' && (state !== 'queued' || stops)
        this.#within(() => must(isShown, () => `a drain ended while ${id} was ${state}`))
      }
    })
  }

  #closed(report: StopReport): void {
    if (this.#dead) return
    this.report = report
    const { left, unrecorded, interrupted, unstarted, aborted } = report
    const { totals, untold, running, delayed, queued, waiting } = this.pool.stats()
    if (left.count > 0) this.#seen.add('left')
    if (unrecorded > 0) this.#seen.add('unrecorded')
    const rest = { untold, running, delayed, waiting }
    must(untold + running + delayed + waiting === 0, () => `stopped with ${JSON.stringify(rest)}`)
    must(queued <= left.count, () => `stopped with ${queued} queued, and ${left.count} left`)
    must(report.failed >= interrupted.count, () => 'more were interrupted than failed')
    must(report.canceled >= unstarted.count + aborted.count, () => 'more were canceled by the stop than at all')
    must(totals.succeeded >= report.succeeded, () => 'more succeeded in the stop than at all')
    must(!this.store.disk.inUse, () => 'the store is open after the stop')
    must(this.clock.alive === 0, () => `${this.clock.alive} timers keep the process alive after the stop`)
    for (const task of this.#tasks.values()) {
      const isLeft = task.state === 'queued' && left.ids.includes(task.id)
      must(
        task.state !== 'running' && (isLeft || task.state !== 'queued'),
        () => `${task.id} is ${task.state} after the stop`
      )
    }
    if (unrecorded > 0) return
    for (const id of left.ids) {
      const row = this.store.disk.task(id)
      must(row?.state === 'queued', () => `${id} was left, and is ${row?.state} on disk`)
    }
  }

  // ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The event loop comes round until nothing is left to be done without time. */
  async turn(): Promise<void> {
    const { clock } = this
    for (let i = 0; ; i++) {
      await microtasks()
      if (this.#dead) return
      this.rethrow()
      must(i < MOST, () => 'the pool keeps the event loop busy')
      if (clock.next <= clock.time) clock.fire()
      else if (!clock.turn()) return
    }
  }

  async advance(ms: number): Promise<void> {
    const { clock } = this
    const target = clock.time + ms
    await this.turn()
    for (let { next } = clock; next <= target && !this.isOver; next = clock.next) {
      clock.time = next
      await this.turn()
    }
    clock.time = target
    await this.turn()
  }

  /** Opens what waits, and lets time pass, until all tasks have ended. */
  async finish(): Promise<void> {
    const { pool, store } = this
    this.start()
    for (let i = 0; i < MOST && pool.stats().running + pool.stats().queued + pool.stats().delayed > 0; i++) {
      if (this.isOver) return
      store.recover()
      store.release()
      pool.resume()
      for (const { end } of this.#open.splice(0)) end(true)
      await this.advance(50)
    }
    this.stop(0, 0)
    store.recover()
    store.release()
    await this.advance(10_000)
    must(this.isOver, () => 'the last pool never stops')
  }

  // ── checks ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What must hold between two operations. */
  look(): void {
    this.rethrow()
    this.#witness.check()
    expectBalance(this.pool)
    const [violation] = this.store.violations
    if (violation !== undefined) throw violation
    for (const task of this.#tasks.values()) this.#look(task)
    this.#book.compare(this.store.disk.tasks())
  }

  rethrow(): void {
    if (this.#broken.length > 0) throw this.#broken[0]
  }

  /** Keeps what is thrown inside the pool, where it would be swallowed. */
  #within(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#broken.push(error)
    }
  }
}
