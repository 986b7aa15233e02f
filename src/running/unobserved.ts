import { callHook, type Scope } from '../contract/hooks.js'
import type { UnobservedSource, WorkerPoolOptions } from '../contract/options.js'
import { printError } from '../contract/print-error.js'
import type { PoolTask } from '../task/task.js'

type Hook = NonNullable<WorkerPoolOptions['onUnobservedError']>

/** Reports failures that no caller can observe: each once, and whatever the hook does, the pool is unharmed. */
export class Unobserved {
  readonly #hook: Hook
  /** Tasks that failed in this turn without an observer. */
  #failed: { readonly task: PoolTask; readonly scope: Scope }[] = []

  constructor(hook: Hook | undefined) {
    this.#hook = hook ?? printError
  }

  report(error: unknown, source: UnobservedSource): void {
    callHook(
      () => this.#hook(error, source),
      (thrown) => {
        printError(error, source)
        printError(thrown, {})
      }
    )
  }

  /** A task failed without an observer: it is reported unless one comes before the turn ends. */
  failed(task: PoolTask): void {
    this.#failed.push({ task, scope: task.scope })
  }

  /** Reports the failures of the turn that ends. */
  flush(): void {
    if (this.#failed.length === 0) return
    const failed = this.#failed
    this.#failed = []
    for (const { task, scope } of failed)
      if (task.observers === null) scope.runInAsyncScope(() => this.report(task.payload, { task }))
  }
}
