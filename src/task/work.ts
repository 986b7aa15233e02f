import type { HandlerSettings, TaskFunction } from '../contract/settings.js'
import type { TaskContext } from '../contract/task-contract.js'
import type { TaskSettings } from '../contract/task-settings.js'

/** A named function of the user. */
export class Handler {
  readonly name: string
  readonly call: TaskFunction
  /** Whether a stored task may be called again after its process ended. */
  readonly rerun: boolean
  /** The same function for stored tasks: it takes the input as JSON text, and parses it afresh for each call. */
  readonly stored: Handler | null
  readonly #timeoutMs: number | undefined
  readonly #retry: TaskSettings['retry']

  constructor(name: string, settings: HandlerSettings, isStored: boolean) {
    this.name = name
    this.rerun = settings.rerun
    this.#timeoutMs = settings.timeoutMs
    this.#retry = settings.retry
    this.stored = isStored ? null : new Handler(name, settings, true)
    this.call = isStored ? parsing(settings.call) : settings.call
  }

  /** Whether its tasks have other defaults than the pool's. */
  get hasDefaults(): boolean {
    return this.#timeoutMs !== undefined || this.#retry !== undefined
  }

  /** The settings of one of its tasks. */
  complete(settings: TaskSettings): TaskSettings {
    if (!this.hasDefaults) return settings
    return {
      ...settings,
      timeoutMs: settings.timeoutMs ?? this.#timeoutMs,
      retry: settings.retry ?? this.#retry
    }
  }
}

function parsing(call: TaskFunction): TaskFunction {
  return (input, ctx) => call(typeof input === 'string' ? JSON.parse(input) : undefined, ctx)
}

/** What a task runs. */
export type Work = ((ctx: TaskContext) => unknown) | Handler
