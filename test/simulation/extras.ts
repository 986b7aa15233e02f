import { given } from './given.js'
import type { Action, Operation, Plan, TaskPlan } from './plan.js'
import { livelyPlanOf } from './planner.js'
import { Random } from './random.js'

/**
 * The lively plan of a seed, in half of the seeds with what few pools use: delays, weights, priorities that change,
 * cancels of many, pauses that end by themselves, stops that cancel the queue. Drawn apart: a kept seed keeps its plan.
 */
export function fullPlanOf(seed: number): Plan {
  const plan = livelyPlanOf(seed)
  return seed % 2 === 0 ? plan : withExtras(plan, new Random(seed + 0xe47a))
}

function withExtras(plan: Plan, random: Random): Plan {
  const weightCapacity = random.maybe(0.4, () => random.integer(3, 8))
  const delays = random.chance(0.5)
  const forgets = random.chance(0.3)
  const queued = random.chance(0.5) ? ('cancel' as const) : undefined
  const ms = (most: number): number => random.integer(0, most * 1_024) / 1_024

  const taskOf = (task: TaskPlan): TaskPlan =>
    given({
      ...task,
      inside: task.inside.map(actionOf),
      joinLive: task.join === true && random.chance(0.5) ? true : undefined,
      delayMs: delays && random.chance(0.3) ? ms(40) : undefined,
      weight: weightCapacity === undefined ? undefined : random.maybe(0.6, () => random.integer(1, 3))
    })
  const actionOf = <A extends Action | Operation>(action: A): A => {
    if (action.do === 'queue' || action.do === 'wait') return { ...action, task: taskOf(action.task) }
    if (action.do === 'pause') return { ...action, ...given({ forMs: random.maybe(0.6, () => ms(40)) }) }
    if (action.do === 'stop') return { ...action, ...given({ queued }) }
    return action
  }
  const operations = plan.operations.map(actionOf)
  const insert = (operation: Operation) => operations.splice(random.integer(0, operations.length), 0, operation)
  const upTo = 'microtasks' as const
  for (let i = random.integer(0, 6); i > 0; i--)
    insert({ do: 'reprioritize', target: random.integer(0, 1_000), priority: random.pick([-1, 0, 3]), upTo })
  for (let i = random.integer(0, 3); i > 0; i--) {
    const key = random.maybe(0.5, () => random.pick(['a', 'b']))
    const state = random.maybe(0.5, () => random.pick(['queued', 'running'] as const))
    insert({ do: 'cancel all', ...given({ key, state }), upTo })
  }
  if (forgets)
    for (let i = random.integer(1, 8); i > 0; i--) insert({ do: 'forget', target: random.integer(0, 1_000), upTo })
  const reactions = plan.reactions.map((reaction) => ({ ...reaction, actions: reaction.actions.map(actionOf) }))
  return { ...plan, setup: { ...plan.setup, ...given({ weightCapacity }) }, operations, reactions }
}
