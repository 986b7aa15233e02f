import { callHook, type Report } from '../../contract/hooks.js'
import { read } from '../../contract/task-record.js'

/**
 * What becomes of a hook's answer; `undefined` when the hook fails, when it answers with a promise, or when its answer
 * cannot be used. Each of these is told, and the caller goes on as if there were no hook.
 *
 * @param name - the hook, as its option is called
 * @param hook - calls it
 * @param use - turns its answer into what is needed; may throw
 * @param report - told what went wrong
 */
export function guarded<A, T>(name: string, hook: () => A, use: (answer: A) => T, report: Report): T | undefined {
  const answer = callHook(hook, report)
  if (answer.threw) return undefined
  try {
    if (typeof read(answer.value, 'then') === 'function') {
      throw new TypeError(`Expected \`${name}\` to answer at once, got a promise`)
    }
    return use(answer.value as A)
  } catch (error) {
    report(error)
    return undefined
  }
}
