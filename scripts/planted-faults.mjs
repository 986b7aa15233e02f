/**
 * Breaks the core in many ways, one at a time, in a copy of the repository, and shows that the ordinary tests catch each.
 *
 * Run: npm run faults [-- parts of the names of faults]
 *
 * Fails when a fault survives, and when the text it replaces is no longer there: then the fault has to be planted anew.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** @typedef {{ name: string, file: string, text: string, fault: string }} Fault */

/** @type {Fault[]} */
const FAULTS = [
  {
    name: 'the end of a stored task is told before the commit',
    file: 'src/pool/durability.ts',
    text: 'this.#dispatch.endUnseen(task, to, payload)',
    fault: 'this.#dispatch.endUnseen(task, to, payload)\n    this.#dispatch.showEnd(task, stored)'
  },
  {
    name: 'a start is released by a batch that is older than the task',
    file: 'src/pool/durability.ts',
    text: 'return storedOf(task).isClean\n',
    fault: 'return storedOf(task).written > 0\n'
  },
  {
    name: 'a function is called before its start is on disk',
    file: 'src/running/attempts.ts',
    text: 'this.workers.hold(task)',
    fault: 'this.workers.assign(task)'
  },
  {
    name: 'an insert that may be on disk is not removed',
    file: 'src/durable/journal.ts',
    text: 'this.#removed.add(stored.seq)',
    fault: 'void stored.seq'
  },
  {
    name: 'stored tasks are accepted while the store fails',
    file: 'src/pool/durability.ts',
    text: 'if (cause === null) return undefined',
    fault: 'if (cause !== undefined) return undefined'
  },
  {
    name: 'a drain does not wait for what is being written',
    file: 'src/scheduler/scheduler.ts',
    text: 'return this.running + this.held + this.untold\n',
    fault: 'return this.running + this.held\n'
  },
  {
    name: 'revisions come back after a restart',
    file: 'src/durable/restore.ts',
    text: 'REVISIONS_SKIPPED = 2 ** 20',
    fault: 'REVISIONS_SKIPPED = 0'
  },
  {
    name: 'a restart uses up the retries',
    file: 'src/running/attempts.ts',
    text: 'const attempt = task.tries',
    fault: 'const { attempt } = task'
  },
  {
    name: 'a cancel of a running task is not written',
    file: 'src/pool/durability.ts',
    text: "if (reason === 'pool_stopped') return",
    fault: "if (reason !== 'signal') return"
  },
  {
    name: 'suspects are run again all at once',
    file: 'src/durable/suspects.ts',
    text: 'this.#current = this.#waiting.pop()\n',
    fault: 'this.#current = this.#waiting.pop()\n    for (const task of this.#waiting.splice(0)) this.#run(task)\n'
  },
  {
    name: 'the bound is off by one',
    file: 'src/scheduler/intake.ts',
    text: 'if (running + held >= concurrency + queueCapacity) return true',
    fault: 'if (running + held > concurrency + queueCapacity) return true'
  },
  {
    name: 'a limit that fires late gives the loop no turn for what has arrived',
    file: 'src/waiting/deadlines.ts',
    text: '> LATE_MS) this.#clock.yield(',
    fault: '> 1e9) this.#clock.yield('
  },
  {
    name: 'a step of the wall clock moves the times of a task',
    file: 'src/task/wall-times.ts',
    text: '({ fromMs }) => fromMs <= queuedMs',
    fault: '({ fromMs }) => fromMs <= stampMs'
  },
  {
    name: 'the time to come back does not know the rate',
    file: 'src/scheduler/prospects.ts',
    text: 'Math.max(rate.opensAfter(queued + 1, now), pauseEnds)',
    fault: 'pauseEnds'
  },
  {
    name: 'a stop without options gives no grace',
    file: 'src/contract/settings.ts',
    text: "(v) => duration('graceMs', v), 20_000)",
    fault: "(v) => duration('graceMs', v), 0)"
  },
  {
    name: 'a listener is called in the context of whoever freed the worker',
    file: 'src/contract/events.ts',
    text: 'if (scope === null) this',
    fault: 'if (scope !== undefined) this'
  },
  {
    name: 'percentiles never forget',
    file: 'src/running/distribution.ts',
    text: '- (this.#former?.counts[bucket] ?? 0)',
    fault: ''
  },
  {
    name: 'the queue takes one more than its capacity',
    file: 'src/scheduler/intake.ts',
    text: 'return !workerFree && held >= queueCapacity',
    fault: 'return !workerFree && held > queueCapacity'
  },
  {
    name: 'one worker more than allowed runs',
    file: 'src/scheduler/scheduler.ts',
    text: 'this.open && this.running < this.concurrency && (',
    fault: 'this.open && this.running <= this.concurrency && ('
  },
  {
    name: 'a newcomer passes the line',
    file: 'src/scheduler/intake.ts',
    text: 'if (this.#waiters.size > 0) return FULL\n    return this.#take(',
    fault: 'if (this.#waiters.size > this.#places.concurrency) return FULL\n    return this.#take('
  },
  {
    name: 'tasks that wait for a retry hold no place',
    file: 'src/scheduler/scheduler.ts',
    text: 'this.#countHeld(entry)\n    this.#defer(entry, until)\n    return',
    fault: 'this.#defer(entry, until)\n    return'
  },
  {
    name: 'a canceled queued task keeps its place',
    file: 'src/scheduler/scheduler.ts',
    text: 'this.#lanes.remove(entry)\n        this.queued--',
    fault: 'this.#lanes.remove(entry)'
  },
  {
    name: 'a freed worker is not handed on',
    file: 'src/scheduler/scheduler.ts',
    text: 'else this.canceled++\n    return this.next(now)',
    fault: 'else this.canceled++\n    return null'
  },
  {
    name: 'the worker of a failed attempt is not handed on',
    file: 'src/scheduler/scheduler.ts',
    text: 'this.#defer(entry, until)\n    return this.next(now)',
    fault: 'this.#defer(entry, until)\n    return null'
  },
  {
    name: 'a key may run one task more than its limit',
    file: 'src/scheduler/lanes.ts',
    text: 'if (share.running >= share.concurrency) this.#park',
    fault: 'if (share.running > share.concurrency) this.#park'
  },
  {
    name: 'the limit of a key is ignored at admission',
    file: 'src/scheduler/shares.ts',
    text: 'return share.running >= share.concurrency ||',
    fault: 'return share.running > share.concurrency ||'
  },
  {
    name: 'the queue of a key is never full',
    file: 'src/scheduler/intake.ts',
    text: 'this.#shares.hasRoom(key, toWorker) ?',
    fault: 'this.#shares.size >= 0 ?'
  },
  {
    name: 'last in, first out within a lane',
    file: 'src/scheduler/lanes.ts',
    text: 'const entry = lane.entries.head as E\n    ;(lane',
    fault: 'const entry = lane.entries.tail as E\n    ;(lane'
  },
  {
    name: 'low priorities first',
    file: 'src/scheduler/lanes.ts',
    text: '(a, b) => a.priority > b.priority',
    fault: '(a, b) => a.priority < b.priority'
  },
  {
    name: 'keys do not take turns',
    file: 'src/scheduler/lanes.ts',
    text: ';(lane.level as Level<E>).turn = lane.right\n',
    fault: '\n'
  },
  {
    name: 'a key that was at its limit is never asked again',
    file: 'src/scheduler/scheduler.ts',
    text: 'share.running--\n    this.#lanes.unpark(share)',
    fault: 'share.running--'
  },
  {
    name: 'the rate allows one start more in a window',
    file: 'src/scheduler/rate-window.ts',
    text: '+ this.#taken < this.starts',
    fault: '+ this.#taken <= this.starts'
  },
  {
    name: 'the rate forgets starts that wait for their call',
    file: 'src/scheduler/rate-window.ts',
    text: 'this.#times.length - this.#first + this.#taken < this.starts',
    fault: 'this.#times.length - this.#first < this.starts'
  },
  {
    name: 'a start that was never made stays taken from the rate',
    file: 'src/scheduler/scheduler.ts',
    text: 'this.#rate?.giveBack()',
    fault: ''
  },
  {
    name: 'a start that was never made stays taken from the rate of its key',
    file: 'src/scheduler/scheduler.ts',
    text: 'share.rate.giveBack()',
    fault: ''
  },
  {
    name: 'the rate of a key is ignored',
    file: 'src/scheduler/lanes.ts',
    text: 'share.rate !== null && !share.rate.allows(now)',
    fault: 'share.rate !== null && share.rate.starts < 0'
  },
  {
    name: 'the rate of a key is ignored at admission',
    file: 'src/scheduler/shares.ts',
    text: '(share.rate !== null && !share.rate.allows(now))',
    fault: 'share.running < 0'
  },
  {
    name: 'a row that was forgotten while a batch was written stays',
    file: 'src/durable/journal.ts',
    text: 'for (const seq of this.#removing) this.#removed.delete(seq)',
    fault: 'this.#removed.clear()'
  },
  {
    name: 'a key over its rate is never asked again',
    file: 'src/scheduler/lanes.ts',
    text: 'share = this.#overRate.takeDue(now))\n      this.unpark(share)',
    fault: 'share = this.#overRate.takeDue(now))\n      void share'
  },
  {
    name: 'an idle key forgets its starts',
    file: 'src/scheduler/shares.ts',
    text: 'if (emptyAt === Number.NEGATIVE_INFINITY) this',
    fault: 'if (emptyAt !== 0) this'
  },
  {
    name: 'nobody wakes up for the rate of a key',
    file: 'src/scheduler/prospects.ts',
    text: 'return Math.min(this.#lanes.rateOpensAt, forHead)',
    fault: 'return forHead'
  },
  {
    name: 'a caller that waits with a key over its rate is not woken',
    file: 'src/scheduler/prospects.ts',
    text: 'return Math.min(this.#lanes.rateOpensAt, forHead)',
    fault: 'return this.#lanes.rateOpensAt'
  },
  {
    name: 'the task function is never called',
    file: 'src/running/worker.ts',
    text: "return typeof work === 'function' ? work(context) : work.call(payload, context)",
    fault: 'return undefined'
  },
  {
    name: 'a retry comes after a cancel',
    file: 'src/running/attempts.ts',
    text: 'return task.detailed().cancelRequestedMs >= 0\n',
    fault: 'return false\n'
  },
  {
    name: 'one attempt more than asked for',
    file: 'src/running/retry.ts',
    text: 'if (attempt >= policy.attempts) return false',
    fault: 'if (attempt > policy.attempts) return false'
  },
  {
    name: 'the timer of an old attempt is kept',
    file: 'src/running/attempts.ts',
    text: 'if (worker.deadline !== undefined) this.#lift(worker, worker.deadline)',
    fault: ''
  },
  {
    name: 'the limit of the queue is kept after the start',
    file: 'src/running/attempts.ts',
    text: 'if (deadline !== undefined) this.#parts.deadlines.clear(deadline)',
    fault: ''
  },
  {
    name: 'the timer of a retry is kept after a cancel',
    file: 'src/pool/dispatcher.ts',
    text: 'if (deadline !== undefined) this.#parts.deadlines.clear(deadline)',
    fault: ''
  },
  {
    name: 'a listener stays on a signal of the caller',
    file: 'src/pool/dispatcher.ts',
    text: 'if (settings?.signal !== undefined) this.#parts.signals.unsubscribe(settings.signal, task)',
    fault: ''
  },
  {
    name: 'each task has a listener of its own',
    file: 'src/waiting/signals.ts',
    text: 'this.#watched.set(signal, watch)',
    fault: ''
  },
  {
    name: 'a waiter that gives up leaves its listener behind',
    file: 'src/pool/waiters.ts',
    text: 'for (const signal of waiter.signals) this.#parts.signals.unsubscribe(signal, waiter)',
    fault: ''
  },
  {
    name: 'a waiter that leaves does not let the next one in, but with a rate',
    file: 'src/pool/waiters.ts',
    text: 'this.#leave(waiter, reason)\n    this.#dispatch.startDue()',
    fault: 'this.#leave(waiter, reason)\n    if (this.#parts.scheduler.rate !== null) this.#dispatch.startDue()'
  },
  {
    name: 'a waiter that is let in can still time out',
    file: 'src/pool/waiters.ts',
    text: 'this.#parts.deadlines.clear(waiter.deadline)\n',
    fault: '\n'
  },
  {
    name: 'stop loses queued tasks',
    file: 'src/pool/shutdown.ts',
    text: 'this.#cancelHeld()\n    for (const task',
    fault: 'for (const task'
  },
  {
    name: 'stop does not ask running tasks to end',
    file: 'src/pool/shutdown.ts',
    text: 'for (const task of this.#attempts.workers.tasks()) this.#dispatch.cancel(task, this.#cancellation)',
    fault: ''
  },
  {
    name: 'a later stop can put off the end',
    file: 'src/pool/shutdown.ts',
    text: 'this.#forceAt = Math.min(this.#forceAt, now + request.graceMs + request.forceMs)',
    fault: 'this.#forceAt = now + request.graceMs + request.forceMs'
  },
  {
    name: 'the pool takes work while it stops',
    file: 'src/scheduler/intake.ts',
    text: 'if (this.#places.stage >= STOPPING) return CLOSED',
    fault: 'if (this.#places.stage > STOPPING) return CLOSED'
  },
  {
    name: 'the context of the call is not captured',
    file: 'src/pool/admission.ts',
    text: 'if (this.#capturesContext) task.context = captureContext()\n    this.#times.check(',
    fault: 'this.#times.check('
  },
  {
    name: 'a failed task is told canceled when its own error comes after a cancel',
    file: 'src/running/attempts.ts',
    text: 'if (aborted !== undefined && (snoozeMs !== undefined || gaveUp(thrown, aborted))) {',
    fault: 'if (aborted !== undefined) {'
  },
  {
    name: 'a listener that throws ends the step',
    file: 'src/contract/hooks.ts',
    text: 'report(error)\n    return { threw: true }',
    fault: 'report(error)\n    throw error'
  },
  {
    name: 'more settled tasks are kept than asked for',
    file: 'src/tickets/retention.ts',
    text: 'this.ticketed.size <= this.#count',
    fault: 'this.ticketed.size <= this.#count + 1'
  },
  {
    name: 'a task whose ticket nobody has displaces a ticket',
    file: 'src/tickets/retention.ts',
    text: 'if (task.ticket !== null) return endsAtOnce',
    fault: 'if (task !== null) return endsAtOnce'
  },
  {
    name: 'a ticket that is read after the end is not found',
    file: 'src/tickets/tickets.ts',
    text: '!task.isSettled || this.#retainLate(task)',
    fault: '!task.isSettled'
  },
  {
    name: 'a ticket that is read late outlives its time',
    file: 'src/tickets/retained-list.ts',
    text: 'this.#late.add(task, settledMs)',
    fault: 'void task'
  },
  {
    name: 'tickets are forgotten early without a word',
    file: 'src/tickets/retention.ts',
    text: 'if (this.#expiryOf(first) > nowMs) this.forgottenEarly++',
    fault: ''
  },
  {
    name: 'an illegal move is allowed: a task can settle twice',
    file: 'src/scheduler/lifecycle.ts',
    text: '/* SUCCEEDED */ 0,',
    fault: '/* SUCCEEDED */ (1 << FAILED) | (1 << CANCELED),'
  },
  {
    name: 'a drain is let go while a task runs',
    file: 'src/scheduler/scheduler.ts',
    text: 'return this.running + this.held + this.untold\n',
    fault: 'return this.held + this.untold\n'
  },
  {
    name: 'a task is called at once, inside queueTask',
    file: 'src/running/workers.ts',
    text: 'void NEXT_MICROTASK.then(this.#flush)',
    fault: 'this.#flush()'
  },
  {
    name: 'idle is told while there is work',
    file: 'src/pool/ends.ts',
    text: 'if (this.#scheduler.live > 0) return\n',
    fault: ''
  },
  {
    name: 'a taken id is given again',
    file: 'src/pool/admission.ts',
    text: "if (existing === undefined || settings.onDuplicate !== 'refuse') return existing",
    fault: 'return undefined'
  },
  {
    name: 'a newcomer passes those whose start is late',
    file: 'src/pool/admission.ts',
    text: 'this.#dispatch.startDue(now)\n    return now',
    fault: 'return now'
  },
  {
    name: 'a task that joins only live ones joins a settled one',
    file: 'src/tickets/tickets.ts',
    text: "return onDuplicate === 'join-live' && holder?.isSettled ? undefined : holder",
    fault: 'return holder'
  },
  {
    name: 'a forgotten task is found by an id that is read later',
    file: 'src/tickets/tickets.ts',
    text: '    task.ticket ??= this.#table.issue(undefined)\n',
    fault: ''
  },
  {
    name: 'a task is not retained for its own time',
    file: 'src/tickets/retained-list.ts',
    text: 'this.#own.add(task, settledMs + retainMs)',
    fault: 'void retainMs'
  },
  {
    name: 'a delayed task takes a free worker',
    file: 'src/scheduler/intake.ts',
    text: 'const verdict = this.#judge(key, false, weight, until)',
    fault: 'const verdict = this.#judge(key, true, weight, until)'
  },
  {
    name: 'a task keeps its place at a change of its priority',
    file: 'src/scheduler/scheduler.ts',
    text: '    entry.order = ++this.#orders\n    this.#lanes.push(entry)\n    return true\n',
    fault: '    this.#lanes.push(entry)\n    return true\n'
  },
  {
    name: 'cancelAll leaves the delayed tasks',
    file: 'src/pool/cancel-all.ts',
    text: '      for (const task of scheduler.delayed.keys()) yield this.#meet(task)\n',
    fault: ''
  },
  {
    name: 'a stop that cancels the queue lets a retry wait',
    file: 'src/pool/shutdown.ts',
    text: 'if (this.#cancelsQueued && task.stage === DELAYED)',
    fault: 'if (false)'
  },
  {
    name: 'a later pause makes the present one shorter',
    file: 'src/scheduler/scheduler.ts',
    text: 'this.paused ? Math.max(this.pausedUntil, until) : until',
    fault: 'until'
  },
  {
    name: 'a snooze uses up an attempt',
    file: 'src/pool/delays.ts',
    text: "if (!('error' in notice)) details.retries--",
    fault: ''
  },
  {
    name: 'weights are never given back',
    file: 'src/scheduler/scheduler.ts',
    text: '    if (this.weights !== null) this.weights.giveBack(entry)\n',
    fault: ''
  },
  {
    name: 'the bounds of a key outlive its tasks',
    file: 'src/scheduler/intake.ts',
    text: '    share.waiting--\n    this.#shares',
    fault: '    this.#shares'
  },
  {
    name: 'a lowered rate forgets the starts in the window',
    file: 'src/scheduler/rate-window.ts',
    text: 'this.#times[this.#first + tooMany]',
    fault: 'this.#times[this.#first]'
  },
  {
    name: 'a snooze is taken for a failure',
    file: 'src/running/attempts.ts',
    text: 'if (snoozeMs !== undefined && aborted === undefined) return this.#owner.snooze(task, snoozeMs)\n',
    fault: ''
  },
  {
    name: 'a call that was aborted can be snoozed',
    file: 'src/running/attempts.ts',
    text: 'if (snoozeMs !== undefined && aborted === undefined) return',
    fault: 'if (snoozeMs !== undefined) return'
  },
  {
    name: 'a snoozed task is called again before its time',
    file: 'src/pool/delays.ts',
    text: 'const until = clock.now() + notice.delayMs',
    fault: "const until = clock.now() + ('error' in notice ? notice.delayMs : 0)"
  },
  {
    name: 'a key gets other bounds while it has tasks',
    file: 'src/scheduler/intake.ts',
    text: 'if (shares.get(key)?.isIdle !== false) {',
    fault: 'if (shares !== null) {'
  },
  {
    name: 'a waiter does not keep the bounds of its key',
    file: 'src/scheduler/intake.ts',
    text: 'if (share !== undefined) share.waiting++',
    fault: 'if (share !== undefined) share.waiting += 0'
  },
  {
    name: 'a key with other bounds forgets its starts',
    file: 'src/scheduler/lane.ts',
    text: 'else this.rate.resize(rateLimit.starts, rateLimit.intervalMs)',
    fault: 'else this.rate = new RateWindow(rateLimit.starts, rateLimit.intervalMs)'
  },
  {
    name: 'another rate forgets the starts in the window',
    file: 'src/pool/dispatcher.ts',
    text: 'else if (rate !== null) rate.resize(limit.starts, limit.intervalMs)\n',
    fault: '\n'
  },
  {
    name: 'a new rate does not know the starts under way',
    file: 'src/pool/dispatcher.ts',
    text: 'limit.intervalMs, this.#attempts.workers.due)',
    fault: 'limit.intervalMs)'
  },
  {
    name: 'the starts of a key are not dated',
    file: 'src/scheduler/scheduler.ts',
    text: 'share.rate.called(now)\n',
    fault: '\n'
  },
  {
    name: 'the time to come back does not know a pause beside running tasks',
    file: 'src/scheduler/prospects.ts',
    text: 'running === 0 || weights === null || held >= queueCapacity',
    fault: 'running === 0'
  },
  {
    name: 'a pool that nobody listens to does not know its time limit',
    file: 'src/running/attempts.ts',
    text: 'this.#timeoutMs === Number.POSITIVE_INFINITY && parts.settings.retry',
    fault: 'parts.settings.retry'
  },
  {
    name: 'the time to come back does not know the rate of the key',
    file: 'src/scheduler/prospects.ts',
    text: 'share?.rate?.opensAfter(share.held + 1, now) ?? now',
    fault: 'share === undefined ? now : now'
  }
]

/**
 * The tests of the core, layer by layer; those of processes, readme and packages say nothing more and take long. The
 * simulation comes last, it takes longest when nothing is broken.
 */
const LAYERS = ['scheduler', 'contract', 'waiting', 'task', 'tickets', 'running', 'pool', 'durable', 'simulation']

const root = fileURLToPath(new URL('..', import.meta.url))
const copy = mkdtempSync(join(tmpdir(), 'planted-faults-'))
process.once('exit', () => rmSync(copy, { recursive: true, force: true }))

for (const name of ['src', 'test', 'examples', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
  cpSync(join(root, name), join(copy, name), { recursive: true })
}
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))

/** How long the tests may take with a fault, in milliseconds: a fault may make them loop for ever. */
let limitMs = 3_600_000
const began = performance.now()
const broken = caughtBy(LAYERS)
if (broken !== undefined) throw new Error(`nothing was planted yet, and this fails: ${broken}`)
limitMs = 300_000 + 4 * Math.ceil(performance.now() - began)

const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['']
let [caught, failures] = [0, 0]
for (const fault of FAULTS.filter(({ name }) => wanted.some((part) => name.includes(part)))) {
  const path = join(copy, fault.file)
  const sound = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const parts = sound.split(fault.text)
  if (parts.length !== 2) {
    failures++
    console.log(`STALE     ${fault.name}: its text is found ${parts.length - 1} times in ${fault.file}`)
    continue
  }
  writeFileSync(path, parts.join(fault.fault))
  const own = fault.file.split('/')[1] ?? ''
  const by = caughtBy([own]) ?? caughtBy(LAYERS.filter((layer) => layer !== own))
  writeFileSync(path, sound)
  if (by === undefined) {
    failures++
    console.log(`SURVIVED  ${fault.name}`)
  } else {
    caught++
    console.log(`caught    ${fault.name}\n          by ${by}`)
  }
}
console.log(`${caught} faults were caught, ${failures} were not`)
process.exitCode = failures > 0 ? 1 : 0

/**
 * Runs tests, layer by layer, until one fails.
 *
 * @param {readonly string[]} layers
 * @returns {string | undefined} the first test that failed
 */
function caughtBy(layers) {
  for (const layer of layers) {
    const vitest = join('node_modules', 'vitest', 'vitest.mjs')
    const { status, stdout, signal } = spawnSync(
      process.execPath,
      [vitest, 'run', '--project', 'unit', '--bail', '1', '--reporter', 'json', `test/${layer}/`],
      { cwd: copy, encoding: 'utf8', timeout: limitMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 28 }
    )
    if (status === 0) continue
    if (signal !== null) return `test/${layer}, which did not end`
    const failed = failedIn(stdout)
    if (failed === undefined) throw new Error(`test/${layer} did not even run:\n${stdout}`)
    return failed
  }
  return undefined
}

/**
 * The title of the first test that failed, by the report of the run.
 *
 * @param {string} output
 * @returns {string | undefined}
 */
function failedIn(output) {
  const report = /^\{"numTotalTestSuites".*$/m.exec(output)
  if (report === null) return undefined
  /** @type {{ testResults: { name: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  const { testResults } = JSON.parse(report[0])
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find((result) => result.status === 'failed')
    if (failed !== undefined) return `${name.slice(name.indexOf('/test/') + 1)}: ${failed.fullName}`
  }
  return undefined
}
