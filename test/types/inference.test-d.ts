/**
 * What the compiler infers and what it refuses. `tsc` checks this file; nothing in it ever runs. Each line after a
 * `@ts-expect-error` must not compile: one that does is an error of its own.
 */
import {
  type After,
  type CancelOutcome,
  type Handlers,
  type InputOf,
  isPoolError,
  type JsonValue,
  type PoolError,
  type PoolErrorCode,
  QueueFullError,
  type ResultOf,
  type StopReport,
  type Task,
  type TaskContext,
  type TaskOptions,
  type TaskRecord,
  type TaskState,
  WaitGroup,
  type WaitOptions,
  WorkerPool,
  type WorkerPoolOptions
} from 'coatcheck'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles only where both types are the same. */
const same = <A, B>(_: Equal<A, B> extends true ? 'the same' : never): void => {}
const typeOf = <T>(_value: T) => ({ is: <U>(_: Equal<T, U> extends true ? 'exactly' : never): void => {} })

interface Image {
  readonly bytes: Uint8Array
}
declare const resizeImage: (input: { url: string; width: number }, signal: AbortSignal) => Promise<Image>
declare const signal: AbortSignal

const BOUNDS = { concurrency: 10, queueCapacity: 100 } as const

// ── functions ──────────────────────────────────────────────────────────────────────────────────────────────────────

export async function functions(): Promise<void> {
  const pool = new WorkerPool(BOUNDS)
  typeOf(pool).is<WorkerPool<Record<never, never>>>('exactly')

  typeOf(pool.queueTask(() => 5)).is<Task<number>>('exactly')
  typeOf(pool.queueTask(async () => 'text')).is<Task<string>>('exactly')
  typeOf(pool.queueTask(async () => Promise.resolve(new Date()))).is<Task<Date>>('exactly')
  typeOf(pool.queueTask(() => {})).is<Task<void>>('exactly')
  typeOf(pool.queueTask(async () => {})).is<Task<void>>('exactly')
  typeOf(pool.queueTask((): number | Promise<number> => 5)).is<Task<number>>('exactly')
  typeOf(
    pool.queueTask((): never => {
      throw new Error('no')
    })
  ).is<Task<never>>('exactly')

  pool.queueTask((ctx) => typeOf(ctx).is<TaskContext>('exactly'))
  pool.queueTask(({ id, name, key, attempt, signal, stopping, metadata, progress }) => {
    typeOf(id).is<string>('exactly')
    typeOf(name).is<string | undefined>('exactly')
    typeOf(key).is<string | undefined>('exactly')
    typeOf(attempt).is<number>('exactly')
    typeOf(signal).is<AbortSignal>('exactly')
    typeOf(stopping).is<AbortSignal>('exactly')
    typeOf(metadata).is<JsonValue | undefined>('exactly')
    progress(0.5)
    progress(0.5, 'half')
    // @ts-expect-error a ratio is a number
    progress('half')
  })

  const task = await pool.queueTaskWhenFree(async () => 7, { waitMs: 5, waitSignal: signal, key: 'acme' })
  typeOf(task).is<Task<number>>('exactly')
  typeOf(await task.result()).is<number>('exactly')
  typeOf(await task.settled()).is<Task<number>>('exactly')

  // @ts-expect-error a task is a function, not a promise
  pool.queueTask(Promise.resolve(5))
  // @ts-expect-error nor the name of a handler in a pool without handlers
  pool.queueTask('resize')
  // @ts-expect-error nor a class
  pool.queueTask(class Job {})
  // @ts-expect-error a function is given a context and nothing else
  pool.queueTask((_ctx: TaskContext, input: string) => input)
  // @ts-expect-error there is no such option
  pool.queueTask(() => 5, { prio: 5 })
  // @ts-expect-error only a task that may wait for room has a limit of that wait
  pool.queueTask(() => 5, { waitMs: 5 })
  // @ts-expect-error metadata is JSON
  pool.queueTask(() => 5, { metadata: new Date() })
  // @ts-expect-error one of two words
  pool.queueTask(() => 5, { onDuplicate: 'replace' })
  // @ts-expect-error a retry says how often
  pool.queueTask(() => 5, { retry: { backoffMs: 5 } })
  pool.queueTask(() => 5, {
    retry: { attempts: 3, backoffMs: (error, attempt) => typeOf(error).is<unknown>('exactly') ?? attempt }
  })
}

// ── handlers ───────────────────────────────────────────────────────────────────────────────────────────────────────

export async function handlers(): Promise<void> {
  const pool = new WorkerPool({
    ...BOUNDS,
    handlers: {
      resize: async (input: { url: string; width: number }, ctx) => {
        typeOf(ctx).is<TaskContext>('exactly')
        return resizeImage(input, ctx.signal)
      },
      count: (words: readonly string[]) => words.length,
      greet: (name?: string) => `hello ${name}`,
      maybe: (input: number | undefined) => input,
      sweep: () => {},
      ignore: (_input: undefined, { attempt }: TaskContext) => attempt
    }
  })

  typeOf(pool.queueTask('resize', { url: '/a.png', width: 200 })).is<Task<Image>>('exactly')
  typeOf(pool.queueTask('count', ['a'], { priority: 5 })).is<Task<number>>('exactly')
  typeOf(pool.queueTask('greet')).is<Task<string>>('exactly')
  typeOf(pool.queueTask('greet', 'you')).is<Task<string>>('exactly')
  typeOf(pool.queueTask('greet', undefined, { key: 'acme' })).is<Task<string>>('exactly')
  typeOf(pool.queueTask('maybe')).is<Task<number | undefined>>('exactly')
  typeOf(pool.queueTask('maybe', 5)).is<Task<number | undefined>>('exactly')
  typeOf(pool.queueTask('sweep')).is<Task<void>>('exactly')
  typeOf(pool.queueTask('ignore', undefined, { id: 'mine' })).is<Task<number>>('exactly')
  typeOf(await pool.queueTaskWhenFree('resize', { url: '/a.png', width: 200 }, { waitMs: 5 })).is<Task<Image>>(
    'exactly'
  )
  typeOf(await pool.queueTaskWhenFree('sweep')).is<Task<void>>('exactly')

  // @ts-expect-error there is no such handler
  pool.queueTask('resise', { url: '/a.png', width: 200 })
  // @ts-expect-error nor is one inherited
  pool.queueTask('toString')
  // @ts-expect-error it needs its input
  pool.queueTask('resize')
  // @ts-expect-error all of it
  pool.queueTask('resize', { url: '/a.png' })
  // @ts-expect-error of its type
  pool.queueTask('resize', { url: '/a.png', width: '200' })
  // @ts-expect-error and no more than it
  pool.queueTask('resize', { url: '/a.png', width: 200, height: 200 })
  // @ts-expect-error it takes none
  pool.queueTask('sweep', 5)
  // @ts-expect-error options come after the input
  pool.queueTask('greet', { key: 'acme' })
  // @ts-expect-error the name is a value of the type, not any text
  pool.queueTask('resize' as string, { url: '/a.png', width: 200 })
  // @ts-expect-error only a task that may wait for room has a limit of that wait
  pool.queueTask('count', [], { waitMs: 5 })
  // @ts-expect-error it needs its input
  void pool.queueTaskWhenFree('count', { waitMs: 5 })
  // @ts-expect-error the result is an image
  pool.queueTask('resize', { url: '/a.png', width: 200 }) satisfies Task<string>

  // Functions go as well, beside handlers.
  typeOf(pool.queueTask(() => 5)).is<Task<number>>('exactly')
}

export function handlersOfTheirOwn(): void {
  const own = {
    add: ({ a, b }: { a: number; b: number }) => a + b,
    ping: async (_input: undefined, ctx: TaskContext) => ctx.id
  } satisfies Handlers
  const pool = new WorkerPool({ ...BOUNDS, handlers: own })
  typeOf(pool.queueTask('add', { a: 1, b: 2 })).is<Task<number>>('exactly')
  typeOf(pool.queueTask('ping')).is<Task<string>>('exactly')

  class Mailer {
    async send(this: void, input: { to: string }): Promise<boolean> {
      return input.to !== ''
    }
  }
  const { send } = new Mailer()
  typeOf(new WorkerPool({ ...BOUNDS, handlers: { send } }).queueTask('send', { to: 'you' })).is<Task<boolean>>(
    'exactly'
  )

  // @ts-expect-error a handler is a function
  new WorkerPool({ ...BOUNDS, handlers: { add: 5 } })
  // @ts-expect-error that takes an input and a context and nothing else
  new WorkerPool({ ...BOUNDS, handlers: { add: (_a: number, _ctx: TaskContext, c: number) => c } })
}

same<InputOf<() => void>, undefined>('the same')
same<InputOf<(input: string) => void>, string>('the same')
same<InputOf<(input?: string) => void>, string | undefined>('the same')
same<ResultOf<() => Promise<Promise<5>>>, 5>('the same')
same<ResultOf<(input: never) => string>, string>('the same')
same<After<(input: string) => void, TaskOptions>, [input: string, options?: TaskOptions]>('the same')
same<After<() => void, TaskOptions>, [input?: undefined, options?: TaskOptions]>('the same')

// ── the pool ───────────────────────────────────────────────────────────────────────────────────────────────────────

export async function pool(): Promise<void> {
  const pool = new WorkerPool({ ...BOUNDS, handlers: { greet: (name: string) => name } })
  typeOf(pool.start()).is<typeof pool>('exactly')
  typeOf(
    pool
      .start({ signal })
      .on('idle', () => {})
      .queueTask('greet', 'you')
  ).is<Task<string>>('exactly')
  typeOf(pool.stop({ graceMs: 5, forceMs: 5, reason: 'enough' })).is<Promise<StopReport>>('exactly')
  typeOf(pool.closed).is<Promise<StopReport>>('exactly')
  typeOf(pool.drain({ signal, timeoutMs: 5 })).is<Promise<void>>('exactly')
  typeOf(pool.task('id')).is<Task | undefined>('exactly')
  typeOf(pool.tasks({ state: 'queued', key: 'acme', limit: 5 })).is<Task[]>('exactly')
  typeOf(pool.cancel('id', 'why')).is<CancelOutcome>('exactly')
  typeOf(pool.stats().totals.submitted).is<number>('exactly')
  pool.resize({ concurrency: 5 })
  await using disposed = pool
  typeOf(disposed.state).is<'created' | 'running' | 'stopping' | 'stopped'>('exactly')

  // @ts-expect-error both bounds are required
  new WorkerPool({ concurrency: 5 })
  // @ts-expect-error both bounds are required
  new WorkerPool({ queueCapacity: 5 })
  // @ts-expect-error a bound that is undefined is none
  new WorkerPool({ concurrency: undefined, queueCapacity: 5 })
  // @ts-expect-error there is no such option
  new WorkerPool({ ...BOUNDS, concurency: 5 })
  // @ts-expect-error nothing may emit but the pool
  pool.emit('idle')
  // @ts-expect-error there is no such event
  pool.on('error', () => {})
  // @ts-expect-error there is no such state
  pool.tasks({ state: 'pending' })
  // @ts-expect-error it is read only
  pool.stats().running = 5

  // What is optional may be undefined, for code that passes on what it was given.
  const options: WorkerPoolOptions = {
    ...BOUNDS,
    name: undefined,
    graceMs: undefined,
    retry: undefined,
    clock: undefined
  }
  const taskOptions: TaskOptions = { id: undefined, signal: undefined, metadata: undefined, timeoutMs: undefined }
  const waitOptions: WaitOptions = { ...taskOptions, waitMs: undefined, waitSignal: undefined }
  new WorkerPool(options).queueTask(() => 5, taskOptions)
  await new WorkerPool(options).queueTaskWhenFree(() => 5, waitOptions)
}

export function events(): void {
  const pool = new WorkerPool(BOUNDS)
  pool.on('settled', (task) => typeOf(task).is<Task>('exactly'))
  pool.once('retrying', (task, { error, delayMs }) => {
    typeOf(task).is<Task>('exactly')
    typeOf(error).is<unknown>('exactly')
    typeOf(delayMs).is<number>('exactly')
  })
  pool.on('refused', ({ error, name, key }) => {
    typeOf(error).is<unknown>('exactly')
    typeOf(name).is<string | undefined>('exactly')
    typeOf(key).is<string | undefined>('exactly')
  })
  pool.on('stopping', ({ reason }) => typeOf(reason).is<unknown>('exactly'))
  pool.on('stopped', (report) => typeOf(report).is<StopReport>('exactly'))
  pool.off('idle', () => {})
  pool.on('idle', async () => {})
  // @ts-expect-error idle carries nothing
  pool.on('idle', (task: Task) => task)
}

export async function tasks(task: Task<number>): Promise<void> {
  typeOf(task.id).is<string>('exactly')
  typeOf(task.state).is<TaskState>('exactly')
  typeOf(task.record()).is<TaskRecord>('exactly')
  typeOf(task.cancel('why')).is<boolean>('exactly')
  typeOf(task.recorded).is<Promise<void>>('exactly')
  for await (const record of task.changes({ signal })) typeOf(record).is<TaskRecord>('exactly')
  const any: Task = task
  typeOf(await any.result()).is<unknown>('exactly')
  // @ts-expect-error what comes of it is not known to be a number
  any satisfies Task<number>
  // @ts-expect-error it is read only
  task.id = 'mine'
  // @ts-expect-error it is read only
  task.record().state = 'queued'
}

export function errors(thrown: unknown): number {
  if (isPoolError(thrown)) {
    typeOf(thrown).is<PoolError>('exactly')
    typeOf(thrown.code).is<PoolErrorCode>('exactly')
    typeOf(thrown.toJSON()).is<Record<string, unknown>>('exactly')
  }
  if (thrown instanceof QueueFullError) {
    same<typeof thrown.code, 'ERR_QUEUE_FULL'>('the same')
    same<QueueFullError['code'], 'ERR_QUEUE_FULL'>('the same')
    return thrown.retryAfterMs
  }
  return 0
}

export async function groups(): Promise<void> {
  const group = new WaitGroup()
  typeOf(group.go(async () => 5)).is<Promise<number>>('exactly')
  typeOf(group.go(() => 'text')).is<Promise<string>>('exactly')
  typeOf(group.track(Promise.resolve(5))).is<Promise<number>>('exactly')
  typeOf(group.wait({ signal, timeoutMs: 5 })).is<Promise<void>>('exactly')
  typeOf(group.size).is<number>('exactly')
  await using disposed = group
  disposed.close()
  // @ts-expect-error a size is read only
  group.size = 5
  // @ts-expect-error there is no such option
  await group.wait({ timeout: 5 })
}

// ── handlers whose type has a name ─────────────────────────────────────────────────────────────────────────────────

interface NamedHandlers {
  resize(input: { width: number }, ctx: TaskContext): Promise<string>
  sweep(): number
}
declare const namedHandlers: NamedHandlers
const namedPool = new WorkerPool({ concurrency: 1, queueCapacity: 1, handlers: namedHandlers })
namedPool.queueTask('resize', { width: 1 }) satisfies Task<string>
namedPool.queueTask('sweep') satisfies Task<number>
// @ts-expect-error the input is wrong
namedPool.queueTask('resize', { height: 1 })
// @ts-expect-error there is no such handler
namedPool.queueTask('rotate')
