import type { PlainPlan, Plan, TaskPlan } from './plan.js'
import { simulate } from './simulate.js'

/** Takes out of a failing plan whatever it fails without. */
export function shrink(plan: Plan, most = 3_000): Promise<Plan> {
  return shrinkWith(plan, most, simulate, simplerSetups)
}

/**
 * The same for any kind of plan.
 *
 * @param simpler - plans that are simpler by something else than operations and reactions
 */
export async function shrinkWith<P extends PlainPlan>(
  plan: P,
  most: number,
  run: (plan: P) => Promise<{ readonly broken: unknown; readonly at: number }>,
  simpler: (plan: P) => Iterable<P> = () => []
): Promise<P> {
  let best = plan
  let left = most
  const fails = async (candidate: P): Promise<boolean> => {
    if (left-- <= 0) return false
    const { broken, at } = await run(candidate)
    if (broken === undefined) return false
    best = { ...candidate, operations: candidate.operations.slice(0, at + 1) }
    return true
  }
  await fails(plan)
  for (let changed = true; changed && left > 0; ) {
    changed = false
    for (let size = Math.max(best.operations.length >> 1, 1); size >= 1; size = size === 1 ? 0 : size >> 1) {
      for (let from = best.operations.length - size; from >= 0; from -= size) {
        if (await fails({ ...best, operations: best.operations.toSpliced(from, size) })) changed = true
      }
    }
    for (let i = best.reactions.length - 1; i >= 0; i--) {
      if (await fails({ ...best, reactions: best.reactions.toSpliced(i, 1) })) changed = true
    }
    for (const candidate of simpler(best)) if (await fails(candidate)) changed = true
  }
  return best
}

/** Of a pool: without one it is simpler. */
const SETTINGS = [
  ...(['waiterCapacity', 'weightCapacity', 'taskTimeoutMs', 'queueTimeoutMs', 'retry'] as const),
  ...(['rateLimit', 'perKey', 'ownBounds', 'ownRetention'] as const)
]

/** The same of a task. */
const OPTIONS = [
  ...(['later', 'id', 'key', 'priority', 'timeoutMs', 'queueTimeoutMs', 'retry', 'signal'] as const),
  ...(['delayMs', 'weight', 'snoozes', 'retainMs'] as const)
]

function* simplerSetups(plan: Plan): Generator<Plan> {
  const { setup } = plan
  if (setup.throwing.length > 0) yield { ...plan, setup: { ...setup, throwing: [] } }
  if (setup.rejecting.length > 0) yield { ...plan, setup: { ...setup, rejecting: [] } }
  if (setup.quiet) yield { ...plan, setup: { ...setup, quiet: false } }
  for (const key of SETTINGS) {
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
    for (const key of OPTIONS) {
      if (task[key] === undefined) continue
      const { [key]: _, ...rest } = task
      yield withTask(plan, i, rest)
    }
  }
}

function withTask(plan: Plan, index: number, task: TaskPlan): Plan {
  const operations = plan.operations.map((operation, i) =>
    i === index && (operation.do === 'queue' || operation.do === 'wait') ? { ...operation, task } : operation
  )
  return { ...plan, operations }
}
