import { callHook } from '../contract/hooks.js'
import type { UnobservedSource, WorkerPoolOptions } from '../contract/options.js'
import { describeError, oneLine } from '../contract/task-record.js'
import type { PoolTask } from '../task/task.js'

type Hook = NonNullable<WorkerPoolOptions['onUnobservedError']>

/** Failures that nobody can see: each is told once, none is swallowed, and telling it can harm nothing. */
export class Unobserved {
  readonly #hook: Hook
  /** Tasks that failed in this turn with nobody looking. */
  #failed: PoolTask[] = []

  constructor(hook: Hook | undefined) {
    this.#hook = hook ?? print
  }

  /** Tells an error. */
  report(error: unknown, source: UnobservedSource): void {
    callHook(
      () => this.#hook(error, source),
      (thrown) => {
        print(error, source)
        print(thrown, {})
      }
    )
  }

  /** A task failed with nobody looking: whoever asks before the turn ends has seen it. */
  failed(task: PoolTask): void {
    this.#failed.push(task)
  }

  /** Tells the failures of the turn that ends. */
  flush(): void {
    if (this.#failed.length === 0) return
    const failed = this.#failed
    this.#failed = []
    for (const task of failed) if (task.asked === null) this.report(task.payload, { task })
  }
}

function print(error: unknown, { task, event }: UnobservedSource): void {
  const { name, message } = describeError(error)
  const where = event === undefined ? 'unobserved error' : `error in a listener of "${event}"`
  const whose = task === undefined ? '' : ` of task ${task.name === undefined ? '' : `"${task.name}" `}${task.id}`
  try {
    // biome-ignore lint/suspicious/noConsole: the last resort, where nobody listens
    console.error(oneLine(`coatcheck: ${where}${whose}: ${name}: ${message}`))
  } catch {
    // A console that throws leaves nobody to tell.
  }
}
