/** The names of what a pool has in Redis. BullMQ chooses those of its queue; ours lie beside them. */
export class Keys {
  readonly #base: string

  constructor(prefix: string, name: string) {
    this.#base = `${prefix}:${name}:`
  }

  /** The list or sorted set of BullMQ with this name. */
  of(name: 'wait' | 'paused' | 'prioritized' | 'delayed' | 'active' | 'completed' | 'failed'): string {
    return this.#base + name
  }

  /** The secret from which tickets of idempotency keys are derived. */
  get secret(): string {
    return `${this.#base}secret`
  }

  /** What the names of the tasks' hashes begin with. */
  get jobs(): string {
    return this.#base
  }

  /** The hash of a task. */
  job(id: string): string {
    return this.#base + jobIdOf(id)
  }

  /** It exists while a worker holds the task. */
  lock(id: string): string {
    return `${this.job(id)}:lock`
  }

  /** The channel on which changes of a task are announced. */
  changes(id: string): string {
    return `${this.job(id)}:changes`
  }

  /** The channel on which cancel requests for running tasks are announced. */
  get cancels(): string {
    return `${this.#base}cancels`
  }
}

/**
 * The id that a task has in BullMQ, which refuses ids of digits only and colons. Its other keys lie in the same place as those
 * of its jobs: no ticket begins with a tilde, so none has the name of one.
 */
export function jobIdOf(id: string): string {
  return `~${id.replaceAll(':', '~')}`
}

const TICKET = /^[A-Za-z0-9._:-]{1,128}$/

/** Whether a value can be a ticket: others lead nowhere. */
export function isTicket(id: unknown): id is string {
  return typeof id === 'string' && TICKET.test(id)
}

/** The ticket of a job. */
export function ticketOf(jobId: string): string {
  return jobId.slice(1).replaceAll('~', ':')
}
