import type { Action, Plan, TaskPlan } from './plan.js'
import { Random } from './random.js'

/**
 * Adds to a plan who reads tickets, and when: at once, late or never. In every sixth plan, unless the pool itself
 * reads tickets there at moments that cannot be seen from outside: when a limit passes, or when it prints an error.
 */
export function withReaders(plan: Plan): Plan {
  const random = new Random(-plan.seed) // of its own: a seed stays what it was
  const { taskTimeoutMs, quiet } = plan.setup
  if (plan.seed % 6 !== 4 || plan.seed % 7 === 0 || quiet || taskTimeoutMs !== undefined) return plan
  const weights = random.pick([
    [undefined, 'late', 'never'],
    ['never', 'never', 'late'],
    [undefined, 'never']
  ] as const)
  const taskOf = (task: TaskPlan): TaskPlan => {
    const { timeoutMs: _, ...rest } = task
    const reads = random.pick<(typeof weights)[number]>(weights)
    return { ...rest, inside: task.inside.map(actionOf), ...(reads === undefined ? undefined : { reads }) }
  }
  const actionOf = <A extends { readonly do: string }>(action: A): A => {
    if (action.do === 'drain') return { ...action, timeoutMs: undefined }
    return 'task' in action ? { ...action, task: taskOf(action.task as TaskPlan) } : action
  }
  return {
    ...plan,
    operations: plan.operations.map(actionOf),
    reactions: plan.reactions.map((reaction) => ({
      ...reaction,
      actions: reaction.actions.map((a: Action) => actionOf(a))
    }))
  }
}
