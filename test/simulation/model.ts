import type { Inside, ModelTask } from './model-task.js'
import type { KeyPlan, RatePlan, Setup } from './plan.js'

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
  snoozed = 0
  succeeded = 0
  failed = 0
  canceled = 0
  /** How often nothing was left. */
  crossings = 0
  /** Whether something was accepted since the pool was last told idle. */
  busy = false
  readonly setup: Setup
  rateLimit: RatePlan | undefined
  /** What the function said of each key that has tasks or waiters. */
  readonly ownBounds = new Map<string, KeyPlan>()
  /** Keys whose tasks are just being handed over. */
  readonly opened: string[] = []
  /** Calls of the tasks of each key, while it has a rate. */
  readonly callsOf = new Map<string, number[]>()

  constructor(setup: Setup) {
    this.setup = setup
    this.concurrency = setup.concurrency
    this.rateLimit = setup.rateLimit
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
    const perKey = this.boundsOf(task.key)
    const takesWorker = workerFree && task.plan.delayMs === undefined && !this.keyAtLimit(task.key, now)
    if (perKey !== undefined) {
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

  /** Whether a call is on its way. What it left behind when it ended is inside nothing. */
  goesOn({ task, call }: Inside): boolean {
    return task.place === 'running' && task.called && task.calls === call
  }

  /** Who must be told that it waits for itself: the newest, when every running task waits in the line for ever. */
  deadlocked(now: number): ModelTask | undefined {
    const { running, concurrency, delayed } = this
    // a free worker may be theirs once the pause has ended, the rate has opened or a retry is over
    const mayMove = !this.open || !this.rateAllows(now) || delayed.length > 0 || this.#keyOpens(now)
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
    const { rateLimit } = this
    if (rateLimit === undefined) return true
    const recent = this.calls.filter((at) => at > now - rateLimit.intervalMs)
    return recent.length + this.uncalled.length < rateLimit.starts
  }

  /** When the rate came to allow one more start. */
  get rateOpenedAt(): number {
    const { rateLimit } = this
    if (rateLimit === undefined) return Number.NEGATIVE_INFINITY
    return (this.calls.at(this.uncalled.length - rateLimit.starts) ?? Number.NEGATIVE_INFINITY) + rateLimit.intervalMs
  }

  /** How long the rate holds back the last of the queue and one more; or the delays, where nothing else has a place. */
  heldBackMs(now: number): number {
    const { rateLimit } = this
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

  // ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The bounds of a key: the same for all, or those that the function gave it. */
  boundsOf(key: string | undefined): KeyPlan | undefined {
    if (key === undefined) return undefined
    return this.setup.ownBounds === undefined ? this.setup.perKey : this.ownBounds.get(key)
  }

  /** Whether a key has neither tasks nor waiters, and nobody is handing one over. */
  isIdle(key: string): boolean {
    const all = [...this.running, ...this.queue, ...this.delayed, ...this.line]
    return !all.some((task) => task.key === key) && !this.opened.includes(key)
  }

  /** The function gave an idle key its bounds. A key without a rate has no past. */
  bind(key: string, bounds: KeyPlan): void {
    this.ownBounds.set(key, bounds)
    if (bounds.rateLimit === undefined) this.callsOf.delete(key)
  }

  keyAtLimit(key: string | undefined, now: number): boolean {
    return this.#keyBusy(key) || !this.keyRateAllows(key, now)
  }

  #keyBusy(key: string | undefined): boolean {
    const limit = this.boundsOf(key)?.concurrency ?? NEVER
    return limit < NEVER && this.running.filter((task) => task.key === key).length >= limit
  }

  keyRateAllows(key: string | undefined, now: number): boolean {
    const rate = this.boundsOf(key)?.rateLimit
    return rate === undefined || this.#startsOf(key, rate, now).length < rate.starts
  }

  /** The starts of a key that count now; those that were not called yet at the end, without a time. */
  #startsOf(key: string | undefined, { intervalMs }: RatePlan, now: number): number[] {
    const calls = this.callsOf.get(key as string) ?? []
    const uncalled = this.uncalled.filter((task) => task.key === key)
    return [...calls.filter((at) => at > now - intervalMs), ...uncalled.map(() => NEVER)]
  }

  /** When the rate of a key came, or comes, to allow one more start; Infinity while nobody knows. */
  keyOpensAt(key: string | undefined): number {
    const rate = this.boundsOf(key)?.rateLimit
    if (rate === undefined) return Number.NEGATIVE_INFINITY
    const starts = this.#startsOf(key, rate, Number.NEGATIVE_INFINITY)
    return (starts.at(-rate.starts) ?? Number.NEGATIVE_INFINITY) + rate.intervalMs
  }

  /** Whether a worker is free only until the rate of a key opens. */
  #keyOpens(now: number): boolean {
    if (this.queue.some(({ key }) => !this.keyAtLimit(key, now))) return false
    const over = this.queue.filter(({ key }) => !this.#keyBusy(key)).map(({ key }) => key)
    const [head] = this.line
    if (head !== undefined && head.plan.delayMs === undefined) over.push(head.key)
    return over.some((key) => !this.keyRateAllows(key, now) && this.keyOpensAt(key) < NEVER)
  }

  /** How long the rate of a key holds back those that it holds, and one more. */
  keyHeldBackMs(key: string | undefined, now: number): number {
    const rate = this.boundsOf(key)?.rateLimit
    if (rate === undefined) return 0
    const starts = this.#startsOf(key, rate, now).map((at) => Math.min(at, now))
    const held = [...this.queue, ...this.delayed].filter((task) => task.key === key).length
    for (let n = 0; n <= held; n++) {
      starts.push(Math.max(now, (starts.at(-rate.starts) ?? Number.NEGATIVE_INFINITY) + rate.intervalMs))
    }
    return (starts.at(-1) as number) - now
  }

  /** Whether keys have bounds of their own that make them miss their turns. */
  get keysMissTurns(): boolean {
    const { perKey, ownBounds } = this.setup
    return ownBounds !== undefined || perKey?.concurrency !== undefined || perKey?.rateLimit !== undefined
  }

  /** Whether the time decides what may start. */
  get isTimed(): boolean {
    const { perKey, ownBounds } = this.setup
    return this.rateLimit !== undefined || perKey?.rateLimit !== undefined || ownBounds !== undefined
  }

  // ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The tasks of which one must be the next to start: exactly one unless keys have limits of their own. */
  next(now: number): ModelTask[] {
    if (this.queue.length === 0) return []
    if (!this.open || this.running.length >= this.concurrency || !this.rateAllows(now)) return []
    const startable = this.queue.filter(({ key }) => !this.keyAtLimit(key, now))
    if (startable.length === 0) return []
    const priority = Math.max(...startable.map((task) => task.priority))
    const level = startable.filter((task) => task.priority === priority)
    const turns = (this.turns.get(priority) ?? []).filter((key) => level.some((task) => task.key === key))
    const first = (key: string | undefined) => level.find((task) => task.key === key) as ModelTask
    if (!this.keysMissTurns) return [first(turns[0])]
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

  start(task: ModelTask, now: number): void {
    const { priority, key } = task
    this.dequeue(task)
    this.passTurn(task)
    const turns = this.turns.get(priority)
    this.passed.delete(`${priority} ${key}`)
    for (const other of turns ?? []) {
      const name = `${priority} ${other}`
      if (other === key) continue
      if (this.keyAtLimit(other, now)) this.passed.delete(name)
      else this.passed.set(name, [...(this.passed.get(name) ?? []), key])
    }
    task.place = 'running'
    this.running.push(task)
    this.uncalled.push(task)
  }

  call(task: ModelTask, now: number): void {
    this.uncalled = this.uncalled.filter((other) => other !== task)
    this.calls.push(now)
    if (this.boundsOf(task.key)?.rateLimit !== undefined)
      this.callsOf.set(task.key as string, [...(this.callsOf.get(task.key as string) ?? []), now])
    this.started++
    task.attempt++
    task.calls++
    task.called = true
    task.queueUntil = NEVER
    task.runUntil = now + (task.plan.timeoutMs ?? this.setup.taskTimeoutMs ?? NEVER)
  }

  /** The rate changes. A pool that had none begins to count. */
  limitRate(limit: RatePlan | null): void {
    if (this.rateLimit === undefined) this.calls = []
    this.rateLimit = limit ?? undefined
  }

  // ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The call has ended, but not the task. A snooze uses up no attempt. */
  delay(task: ModelTask, until: number, how: 'retrying' | 'snoozed'): void {
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
    task.turns.push(how)
    if (how === 'retrying') this.retried++
    else {
      this.snoozed++
      task.attempt--
    }
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
    if (task.calls === 0) this.limitQueueing(task, now)
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
