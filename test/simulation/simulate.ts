import { Broken, type PromiseId } from './checks.js'
import type { Plan } from './plan.js'
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
    if (plan.setup.started) world.stops.start()
    for (const operation of plan.operations) {
      if (operation.do === 'advance') await advance(world, operation.ms)
      else if (operation.do === 'block') {
        world.clock.time += operation.ms
        world.late = true
        world.blocked = true
      } else if (operation.do === 'arrive') world.arrivals.announce(operation.target, operation.well)
      else if (operation.do === 'step wall') world.clock.wall += operation.ms
      else world.perform(operation)
      if (operation.upTo === 'microtasks') await microtasks()
      if (operation.upTo === 'turn') await turn(world)
      world.inspector.look(operation.upTo)
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
    const arrived = await world.arrivals.deliver()
    if (!world.comeRound() && !arrived) break
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
  world.inspector.look('turn')
  if (model.state === 'created') world.stops.start()
  await turn(world)
  for (let i = 0; model.live > 0 || model.line.length > 0; i++) {
    if (i > MOST) throw new Broken('liveness', `${model.live} live and ${model.line.length} wait for ever`)
    if (model.paused) world.resume()
    if (model.queueCapacity === 0 && model.line[0]?.plan.delayMs !== undefined) {
      world.perform({ do: 'resize', queueCapacity: 1 }) // a delayed task never gets a place without a queue
    }
    world.cast.endAll()
    await turn(world)
    world.inspector.look('turn')
    const { next } = world.clock
    if (model.live + model.line.length > 0 && next < Number.POSITIVE_INFINITY)
      await advance(world, next - world.clock.time)
  }
  world.inspector.look('turn')
  if (model.state === 'running') world.stops.stop(0, 0)
  await turn(world)
  world.inspector.look('turn')
  world.inspector.lookAtTheEnd()
}
