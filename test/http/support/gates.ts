import type { Done, Work, Worker } from '../../../examples/demo/work.js'

interface Gate {
  readonly work: Work
  readonly signal: AbortSignal
  readonly progress: (ratio: number, message?: string) => void
  readonly resolve: (done: Done) => void
  readonly reject: (error: unknown) => void
}

/** Tasks that wait for the test. */
export class Gates {
  readonly #open = new Map<string, Gate>()

  /** The work of the application. A task labeled `deaf…` ignores its signal. */
  readonly work: Worker = (work, { signal, progress }) =>
    new Promise((resolve, reject) => {
      this.#open.set(work.label, { work, signal, progress, resolve, reject })
      if (!work.label.startsWith('deaf')) signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })

  gate(label: string): Gate {
    const gate = this.#open.get(label)
    if (gate === undefined) throw new Error(`no task labeled ${label} has begun`)
    return gate
  }

  end(label: string): void {
    const { resolve, work } = this.gate(label)
    resolve({ label, workedMs: work.workMs })
  }

  resolve(label: string, done: Done): void {
    this.gate(label).resolve(done)
  }

  fail(label: string, error: unknown): void {
    this.gate(label).reject(error)
  }
}
