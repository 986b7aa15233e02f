import { Broken, type PromiseId } from './checks.js'
import { type Plan, planOf } from './plan.js'
import { microtasks } from './virtual-clock.js'
import { World } from './world.js'

/** What came of one schedule. */
export interface Run {
  readonly broken: Broken | undefined
  /** At which operation; the number of operations when it was afterwards. */
  readonly at: number
  /** Which ends came up. */
  readonly seen: ReadonlySet<string>
  readonly made: Readonly<Record<PromiseId, number>>
}

/** The most that may happen in one turn, or in the healing of one schedule. */
const MOST = 2_000

/** Lives one plan from its first operation to the last timer. */
export async function simulate(plan: Plan): Promise<Run> {
  const world = new World(plan)
  let at = 0
  let broken: Broken | undefined
  const print = console.error
  if (world.hookThrows) console.error = () => {} // the last resort of the pool, when even the hook throws
  try {
    if (plan.setup.started) world.start()
    for (const operation of plan.operations) {
      if (operation.do === 'advance') await advance(world, operation.ms)
      else if (operation.do === 'block') {
        world.clock.time += operation.ms
        world.late = true
        world.blocked = true
      } else world.perform(operation)
      if (operation.upTo === 'microtasks') await microtasks()
      if (operation.upTo === 'turn') await turn(world)
      world.look(operation.upTo)
      at++
    }
    await heal(world)
  } catch (error) {
    broken = error instanceof Broken ? error : new Broken('I17', `something else was thrown: ${stackOf(error)}`)
  } finally {
    console.error = print
  }
  return { broken, at, seen: world.seen, made: world.checks.made }
}

const stackOf = (error: unknown): string => (error instanceof Error ? String(error.stack) : String(error))

/** The event loop comes round until nothing is left to be done without time. */
async function turn(world: World): Promise<void> {
  const { clock } = world
  for (let i = 0; ; i++) {
    await microtasks()
    world.checks.rethrow()
    if (i > MOST) throw new Broken('liveness', 'the pool keeps the event loop busy')
    world.late = false
    if (clock.next <= clock.time) {
      world.fire()
      continue
    }
    if (!clock.turn()) break
    world.blocked = false
  }
  world.blocked = false
  world.notice()
}

/** Time passes; every timer on the way fires at its moment. */
async function advance(world: World, ms: number): Promise<void> {
  const { clock } = world
  const target = clock.time + ms
  await turn(world)
  for (let { next } = clock; next <= target; next = clock.next) {
    clock.time = next
    await turn(world)
  }
  clock.time = target
  await turn(world)
}

/** The faults end: whatever waits is ended, until nothing is left. Then the pool stops and is searched for leaks. */
async function heal(world: World): Promise<void> {
  const { model } = world
  world.healing = true
  await turn(world)
  world.look('turn')
  if (model.state === 'created') world.start()
  await turn(world)
  for (let i = 0; model.live > 0 || model.line.length > 0; i++) {
    if (i > MOST) throw new Broken('liveness', `${model.live} live and ${model.line.length} wait for ever`)
    if (model.paused) world.resume()
    world.healOnce()
    await turn(world)
    world.look('turn')
    const { next } = world.clock
    if (model.live + model.line.length > 0 && next < Number.POSITIVE_INFINITY)
      await advance(world, next - world.clock.time)
  }
  world.look('turn')
  if (model.state === 'running') world.stop(0, 0)
  await turn(world)
  world.look('turn')
  world.lookAtTheEnd()
  world.checks.rethrow()
}

/** Takes out of a failing plan whatever it fails without. */
export async function shrink(plan: Plan, most = 3_000): Promise<Plan> {
  let best = plan
  let left = most
  const fails = async (candidate: Plan): Promise<boolean> => {
    if (left-- <= 0) return false
    const { broken, at } = await simulate(candidate)
    if (broken === undefined) return false
    best = { ...candidate, operations: candidate.operations.slice(0, at + 1) }
    return true
  }
  await fails(plan)
  for (let changed = true; changed && left > 0; ) {
    changed = false
    for (let size = Math.max(best.operations.length >> 1, 1); size >= 1; size = size === 1 ? 0 : size >> 1) {
      for (let from = best.operations.length - size; from >= 0; from -= size) {
        const operations = best.operations.toSpliced(Math.max(from, 0), size)
        if (await fails({ ...best, operations })) changed = true
      }
    }
    for (const simpler of simplerSetups(best)) if (await fails(simpler)) changed = true
  }
  return best
}

function* simplerSetups(plan: Plan): Generator<Plan> {
  for (let i = plan.reactions.length - 1; i >= 0; i--) yield { ...plan, reactions: plan.reactions.toSpliced(i, 1) }
  const { setup } = plan
  if (setup.throwing.length > 0) yield { ...plan, setup: { ...setup, throwing: [] } }
  if (setup.rejecting.length > 0) yield { ...plan, setup: { ...setup, rejecting: [] } }
  if (setup.quiet) yield { ...plan, setup: { ...setup, quiet: false } }
  for (const key of ['waiterCapacity', 'taskTimeoutMs', 'queueTimeoutMs', 'retry', 'rateLimit', 'perKey'] as const) {
    if (setup[key] === undefined) continue
    const { [key]: _, ...rest } = setup
    yield { ...plan, setup: rest }
  }
  for (const [i, operation] of plan.operations.entries()) {
    const operations = [...plan.operations]
    if (operation.upTo !== 'turn') {
      operations[i] = { ...operation, upTo: 'turn' }
      yield { ...plan, operations }
    }
    if (operation.do !== 'queue' && operation.do !== 'wait') continue
    const { task } = operation
    if (task.inside.length > 0) yield withTask(plan, i, { ...task, inside: [] })
    for (const key of ['id', 'key', 'priority', 'timeoutMs', 'queueTimeoutMs', 'retry', 'signal'] as const) {
      if (task[key] === undefined) continue
      const { [key]: _, ...rest } = task
      yield withTask(plan, i, rest)
    }
  }
}

function withTask(
  plan: Plan,
  index: number,
  task: Plan['operations'][number] extends infer O ? (O extends { task: infer T } ? T : never) : never
): Plan {
  const operations = plan.operations.map((operation, i) =>
    i === index && (operation.do === 'queue' || operation.do === 'wait') ? { ...operation, task } : operation
  )
  return { ...plan, operations }
}

/** What came up in many schedules. */
export interface Summary {
  schedules: number
  /** In how many schedules each end came up. */
  readonly seen: Map<string, number>
  readonly made: Map<PromiseId, number>
  readonly broken: { readonly seed: number; readonly error: Broken }[]
}

/** Lives the schedules of many seeds. Lets the event loop breathe in between, so that Node can tell what went wrong. */
export async function simulateSeeds(seeds: Iterable<number>, most = 5): Promise<Summary> {
  const summary: Summary = { schedules: 0, seen: new Map(), made: new Map(), broken: [] }
  for (const seed of seeds) {
    const { broken, seen, made } = await simulate(planOf(seed))
    summary.schedules++
    for (const end of seen) summary.seen.set(end, (summary.seen.get(end) ?? 0) + 1)
    for (const [id, count] of Object.entries(made) as [PromiseId, number][]) {
      summary.made.set(id, (summary.made.get(id) ?? 0) + count)
    }
    if (broken !== undefined) summary.broken.push({ seed, error: broken })
    if (summary.broken.length >= most) break
    await new Promise((resolve) => setImmediate(resolve))
  }
  return summary
}

/** A plan as one reads it: the setup, then one line for each operation. */
export function describePlan({ setup, operations, reactions }: Plan): string {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, part) => (part === Number.POSITIVE_INFINITY ? 'Infinity' : part))
  return [
    `setup ${text(setup)}`,
    ...operations.map((operation, i) => `${String(i + 1).padStart(3)}. ${text(operation)}`),
    ...reactions.map((reaction) => `  on ${text(reaction)}`)
  ].join('\n')
}

/** The ends that must come up, and in what part of the schedules at least: terminal states, then ways to get there. */
export const FLOORS: Readonly<Record<string, number>> = {
  succeeded: 0.05,
  failed: 0.05,
  canceled: 0.05,
  refused: 0.05,
  'timed out': 0.05,
  'waited too long': 0.05,
  interrupted: 0.02,
  stuck: 0.05,
  'a retry': 0.05,
  'a wait for room': 0.05,
  'a place for a waiter': 0.05,
  'a stop': 0.05
}

/** The ends that came up too seldom. */
export function tooSeldom({ schedules, seen }: Summary): string[] {
  return Object.entries(FLOORS)
    .filter(([end, floor]) => (seen.get(end) ?? 0) < floor * schedules)
    .map(([end, floor]) => `${end}: ${seen.get(end) ?? 0} of ${schedules}, want ${floor * 100} %`)
}
