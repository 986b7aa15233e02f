import type { TaskFunction } from '../contract/settings.js'
import type { TaskContext } from '../contract/task-contract.js'

/** A named function of the user. */
export class Handler {
  readonly name: string
  readonly call: TaskFunction

  constructor(name: string, call: TaskFunction) {
    this.name = name
    this.call = call
  }
}

/** What a task runs. */
export type Work = ((ctx: TaskContext) => unknown) | Handler
