import type { Inside, ModelTask } from './model-task.js'
import type { Setup } from './plan.js'

/** What becomes of a newcomer. */
export type Verdict = 'worker' | 'queue' | 'full' | 'key full' | 'stopped' | 'duplicate'

const NEVER = Number.POSITIVE_INFINITY

/**
 * The pool as its documentation describes it, in plain arrays that are searched from end to end. It shares no line and
 * no idea of how with the pool itself.
 */
export class Model {
  concurrency: number
  queueCapacity: number
  readonly waiterCapacity: number
  state: 'created' | 'running' | 'stopping' | 'stopped' = 'created'
  paused = false
  pausedUntil = NEVER
  /** A stop has canceled the queue: nothing starts any more, though the grace may be open. */
  queueClosed = false
  /** The grace of a stop: open, perhaps over (its timer fires in this very moment), over. */
  grace: 'open' | 'ending' | 'over' = 'open'
  graceAt = NEVER
  forceAt = NEVER

  queue: ModelTask[] = []
  delayed: ModelTask[] = []
  running: ModelTask[] = []
  line: ModelTask[] = []
  /** Settled tasks whose ticket somebody has, in the order in which that came true. */
  tickets: ModelTask[] = []
  /** Settled tasks whose ticket nobody has, oldest first. */
  unread: ModelTask[] = []
  /** Settled tasks, retained or not. */
  settled: ModelTask[] = []
  /** Tickets that had to go because there were too many. */
  forgottenEarly = 0
  calls: number[] = []
  /** Running tasks in the order in which they were given their workers, not called yet. */
  uncalled: ModelTask[] = []
  /** Keys in the order of their turns, for each priority. */
  turns = new Map<number, (string | undefined)[]>()
  /** For each key that could start and was passed over: who passed it. */
  passed = new Map<string, (string | undefined)[]>()

  accepted = 0
  refused = 0
  started = 0
  retried = 0
  succeeded = 0
  failed = 0
  canceled = 0
  /** How often nothing was left. */
  crossings = 0
  /** Whether something was accepted since the pool was last told idle. */
  busy = false
  readonly setup: Setup

  constructor(setup: Setup) {
    this.setup = setup
    this.concurrency = setup.concurrency
    this.queueCapacity = setup.queueCapacity
    this.waiterCapacity = setup.waiterCapacity ?? Math.max(setup.queueCapacity, 1)
  }

  get live(): number {
    return this.running.length + this.queue.length + this.delayed.length
  }

  get lineFull(): boolean {
    return this.line.length >= this.waiterCapacity
  }

  // ── admission ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The verdict on a newcomer. */
  judge(task: ModelTask, now: number): Verdict {
    const verdict = this.judgeAlone(task, now)
    return (verdict === 'worker' || verdict === 'queue') && this.line.length > 0 ? 'full' : verdict
  }

  /** The verdict but for the line. */
  judgeAlone(task: ModelTask, now: number): Verdict {
    if (this.state === 'stopping' || this.state === 'stopped') return 'stopped'
    return this.holder(task.plan) !== undefined ? 'duplicate' : this.room(task, now)
  }

  /** The task that has the id of a newcomer already. */
  holder({ id, joinLive }: ModelTask['plan']): ModelTask | undefined {
    const holder = id === undefined ? undefined : this.find(id)
    return joinLive && holder?.settled ? undefined : holder
  }

  /** What all unsettled tasks weigh. */
  get heldWeight(): number {
    if (this.setup.weightCapacity === undefined) return 0
    return [...this.queue, ...this.delayed, ...this.running].reduce((sum, { plan }) => sum + (plan.weight ?? 1), 0)
  }

  /** Whether there is a place, for a pool that takes work. */
  room(task: ModelTask, now: number): Verdict {
    const held = this.queue.length + this.delayed.length
    const workerFree = this.open && this.running.length < this.concurrency && this.rateAllows(now)
    const { perKey } = this.setup
    const takesWorker = workerFree && task.plan.delayMs === undefined && !this.keyAtLimit(task.key)
    if (perKey !== undefined && task.key !== undefined) {
      const keyHeld = [...this.queue, ...this.delayed].filter(({ key }) => key === task.key).length
      const keyRunning = this.running.filter(({ key }) => key === task.key).length
      const capacity = perKey.queueCapacity ?? NEVER
      if (keyRunning + keyHeld >= (perKey.concurrency ?? NEVER) + capacity) return 'key full'
      if (keyHeld >= capacity && !takesWorker) return 'key full'
    }
    if (this.live >= this.concurrency + this.queueCapacity) return 'full'
    if (this.heldWeight + (task.plan.weight ?? 1) > (this.setup.weightCapacity ?? NEVER)) return 'full'
    if (takesWorker) return 'worker'
    return held < this.queueCapacity ? 'queue' : 'full'
  }

  accept(task: ModelTask, verdict: 'worker' | 'queue', now: number): void {
    this.accepted++
    this.busy = true
    if (task.plan.joinLive) this.tickets = this.tickets.filter(({ plan }) => plan.id !== task.plan.id)
    if (task.plan.id !== undefined) this.readTicket(task)
    if (verdict === 'worker') {
      task.place = 'running'
      this.running.push(task)
      this.uncalled.push(task)
      return
    }
    if (task.plan.delayMs !== undefined) {
      task.place = 'delayed'
      task.retryAt = now + task.plan.delayMs
      this.delayed.push(task)
      return
    }
    this.limitQueueing(task, now)
    this.enqueue(task)
  }

  limitQueueing(task: ModelTask, now: number): void {
    task.queueUntil = now + (task.plan.queueTimeoutMs ?? this.setup.queueTimeoutMs ?? NEVER)
  }

  refuse(task: ModelTask): void {
    this.refused++
    this.line = this.line.filter((other) => other !== task)
    task.place = 'refused'
  }

  /** There is a place for the head of the line. (That it would be refused for its key or its id may wait until then.) */
  lineMoves(now: number): boolean {
    const head = this.line.find((task) => !task.hasLeft())
    if (head === undefined) return false
    const verdict = this.room(head, now)
    return verdict === 'worker' || verdict === 'queue'
  }

  /** Whether one of the waiters is accepted next: the first, but for those that leave or are refused. */
  admitsWaiter(now: number): boolean {
    for (const waiter of this.line) {
      const verdict = waiter.hasLeft() ? 'stopped' : this.judgeAlone(waiter, now)
      if (verdict === 'worker' || verdict === 'queue') return true
      if (verdict === 'full') return false
    }
    return false
  }

  /** Whether an attempt is on its way. What it left behind when it ended is inside nothing. */
  goesOn({ task, attempt }: Inside): boolean {
    return task.place === 'running' && task.called && task.attempt === attempt
  }

  /** Who must be told that it waits for itself: the newest, when every running task waits in the line for ever. */
  deadlocked(now: number): ModelTask | undefined {
    const { running, concurrency, delayed } = this
    // a free worker may be theirs once the pause has ended, the rate has opened or a retry is over
    const mayMove = !this.open || !this.rateAllows(now) || delayed.length > 0
    if (running.length < concurrency && mayMove) return undefined
    const waiting = this.line.filter(({ inside }) => inside !== undefined && this.goesOn(inside))
    return running.every((task) => waiting.some(({ inside }) => inside?.task === task)) ? waiting.at(-1) : undefined
  }

  find(id: string): ModelTask | undefined {
    return [...this.running, ...this.queue, ...this.delayed, ...this.tickets].find(({ plan }) => plan.id === id)
  }

  // ── starting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether anything may start at all. */
  get open(): boolean {
    if (this.paused || this.queueClosed) return false
    return this.state === 'running' || (this.state === 'stopping' && this.grace !== 'over')
  }

  rateAllows(now: number): boolean {
    const { rateLimit } = this.setup
    if (rateLimit === undefined) return true
    const recent = this.calls.filter((at) => at > now - rateLimit.intervalMs)
    return recent.length + this.uncalled.length < rateLimit.starts
  }

  /** When the rate came to allow one more start. */
  get rateOpenedAt(): number {
    const { rateLimit } = this.setup
    if (rateLimit === undefined) return Number.NEGATIVE_INFINITY
    return (this.calls.at(this.uncalled.length - rateLimit.starts) ?? Number.NEGATIVE_INFINITY) + rateLimit.intervalMs
  }

  /** How long the rate holds back the last of the queue and one more; or the delays, where nothing else has a place. */
  heldBackMs(now: number): number {
    const { rateLimit } = this.setup
    if (rateLimit === undefined) return this.#delaysMs(now)
    const starts = [...this.calls.filter((at) => at > now - rateLimit.intervalMs), ...this.uncalled.map(() => now)]
    for (let n = 0; n <= this.queue.length; n++) {
      const opensAt = (starts.at(-rateLimit.starts) ?? Number.NEGATIVE_INFINITY) + rateLimit.intervalMs
      starts.push(Math.max(now, opensAt))
    }
    return Math.max((starts.at(-1) as number) - now, this.#delaysMs(now))
  }

  #delaysMs(now: number): number {
    const only = this.queue.length === 0 && this.running.length === 0 && this.delayed.length > 0
    return only ? Math.min(...this.delayed.map(({ retryAt }) => retryAt)) - now : 0
  }

  keyAtLimit(key: string | undefined): boolean {
    const limit = this.setup.perKey?.concurrency ?? NEVER
    return key !== undefined && limit < NEVER && this.running.filter((task) => task.key === key).length >= limit
  }

  /** The tasks of which one must be the next to start: exactly one unless keys have limits of their own. */
  next(now: number): ModelTask[] {
    if (this.queue.length === 0) return []
    if (!this.open || this.running.length >= this.concurrency || !this.rateAllows(now)) return []
    const startable = this.queue.filter(({ key }) => !this.keyAtLimit(key))
    if (startable.length === 0) return []
    const priority = Math.max(...startable.map((task) => task.priority))
    const level = startable.filter((task) => task.priority === priority)
    const turns = (this.turns.get(priority) ?? []).filter((key) => level.some((task) => task.key === key))
    const first = (key: string | undefined) => level.find((task) => task.key === key) as ModelTask
    if (this.setup.perKey?.concurrency === undefined) return [first(turns[0])]
    // a key whose limit made it miss its turn may get it now or in the next round; and starts that nobody saw one by one
    // may be told here in another order: but nobody passes anybody three times
    const times = (other: string | undefined, key: string | undefined) =>
      this.passed.get(`${priority} ${other}`)?.filter((passing) => passing === key).length ?? 0
    return turns.filter((key) => turns.every((other) => other === key || times(other, key) < 2)).map(first)
  }

  /** The key goes to the end of the round. */
  passTurn({ priority, key }: { readonly priority: number; readonly key: string | undefined }): void {
    const turns = this.turns.get(priority)
    if (!turns?.includes(key)) return
    turns.splice(turns.indexOf(key), 1)
    turns.push(key)
  }

  start(task: ModelTask): void {
    const { priority, key } = task
    this.dequeue(task)
    this.passTurn(task)
    const turns = this.turns.get(priority)
    this.passed.delete(`${priority} ${key}`)
    for (const other of turns ?? []) {
      const name = `${priority} ${other}`
      if (other === key) continue
      if (this.keyAtLimit(other)) this.passed.delete(name)
      else this.passed.set(name, [...(this.passed.get(name) ?? []), key])
    }
    task.place = 'running'
    this.running.push(task)
    this.uncalled.push(task)
  }

  call(task: ModelTask, now: number): void {
    this.uncalled = this.uncalled.filter((other) => other !== task)
    this.calls.push(now)
    this.started++
    task.attempt++
    task.called = true
    task.queueUntil = NEVER
    task.runUntil = now + (task.plan.timeoutMs ?? this.setup.taskTimeoutMs ?? NEVER)
  }

  // ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────────

  delay(task: ModelTask, until: number): void {
    this.leaveWorker(task)
    task.called = false
    task.entered = false
    task.ended = undefined
    task.aborted = undefined
    task.runUntil = NEVER
    task.stuckAt = NEVER
    task.stuck = false
    task.retryAt = until
    task.place = 'delayed'
    this.delayed.push(task)
    this.retried++
  }

  /** A queued task goes to the back of the other priority. */
  reprioritize(task: ModelTask, priority: number): boolean {
    if (task.place !== 'queued' && task.place !== 'delayed') return false
    if (task.priority === priority) return true
    if (task.place === 'queued') this.dequeue(task)
    task.priority = priority
    if (task.place === 'queued') this.enqueue(task)
    return true
  }

  requeue(task: ModelTask, now: number): void {
    if (task.attempt === 0) this.limitQueueing(task, now)
    this.delayed = this.delayed.filter((other) => other !== task)
    task.retryAt = NEVER
    this.enqueue(task)
  }

  settle(task: ModelTask, to: 'succeeded' | 'failed' | 'canceled', now: number): void {
    if (task.place === 'queued') this.dequeue(task)
    this.delayed = this.delayed.filter((other) => other !== task)
    this.leaveWorker(task)
    task.place = to
    task.stuck = false
    task.settledAt = now
    this[to]++
    this.settled.push(task)
    this.retain(task)
    if (this.live === 0 && !this.admitsWaiter(now)) this.crossings++
  }

  // ── tickets ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** How many settled tasks whose ticket nobody has may be listed. */
  get unreadCount(): number {
    return Math.min(this.setup.retention.count, 100)
  }

  retain(task: ModelTask): void {
    if (task.hasTicket) return this.retainTicket(task)
    this.unread.push(task)
    if (this.unread.length > this.unreadCount) this.unread.shift()
    if (task.readOnceSettled) this.readTicket(task)
  }

  retainTicket(task: ModelTask): void {
    this.tickets.push(task)
    if (this.tickets.length <= this.setup.retention.count) return
    this.tickets.shift()
    this.forgottenEarly++
  }

  /** From now on somebody has the ticket. */
  readTicket(task: ModelTask): void {
    if (task.hasTicket) return
    task.hasTicket = true
    if (!task.settled) return
    this.unread = this.unread.filter((other) => other !== task)
    this.retainTicket(task)
  }

  // ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────────

  leaveWorker(task: ModelTask): void {
    this.running = this.running.filter((other) => other !== task)
    this.uncalled = this.uncalled.filter((other) => other !== task)
  }

  enqueue(task: ModelTask): void {
    const { priority, key } = task
    task.place = 'queued'
    this.queue.push(task)
    const turns = this.turns.get(priority) ?? []
    this.turns.set(priority, turns)
    if (!turns.includes(key)) turns.push(key)
  }

  dequeue(task: ModelTask): void {
    const { priority, key } = task
    this.queue = this.queue.filter((other) => other !== task)
    if (this.queue.some((other) => other.priority === priority && other.key === key)) return
    const turns = (this.turns.get(priority) as (string | undefined)[]).filter((other) => other !== key)
    this.turns.set(priority, turns)
    this.passed.delete(`${priority} ${key}`)
  }

  // ── stopping ─────────────────────────────────────────────────────────────────────────────────────────────────────

  stop(graceMs: number, forceMs: number, queued: 'run' | 'cancel', now: number): void {
    if (this.state === 'stopped') return
    if (queued === 'cancel') this.queueClosed = true
    if (this.state !== 'stopping') {
      const grace = this.state === 'running' ? graceMs : 0
      this.graceAt = now + grace
      this.forceAt = this.graceAt + forceMs
      this.state = 'stopping'
      this.paused = false
    } else {
      this.graceAt = Math.min(this.graceAt, now + graceMs)
      this.forceAt = Math.min(this.forceAt, now + graceMs + forceMs)
    }
    if (this.graceAt <= now) this.grace = 'over'
  }
}
