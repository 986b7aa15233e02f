import type { TaskContext } from '../../contract/task-contract.js'
import type { JsonValue } from '../../contract/task-record.js'

/** The context of a call: that of the local pool, with the number of the attempt over all processes. */
export class ClaimContext implements TaskContext {
  readonly #local: TaskContext
  readonly attempt: number

  constructor(local: TaskContext, attempt: number) {
    this.#local = local
    this.attempt = attempt
  }

  get id(): string {
    return this.#local.id
  }

  get name(): string | undefined {
    return this.#local.name
  }

  get key(): string | undefined {
    return this.#local.key
  }

  get metadata(): JsonValue | undefined {
    return this.#local.metadata
  }

  get signal(): AbortSignal {
    return this.#local.signal
  }

  get stopping(): AbortSignal {
    return this.#local.stopping
  }

  get progress(): TaskContext['progress'] {
    return this.#local.progress
  }
}
