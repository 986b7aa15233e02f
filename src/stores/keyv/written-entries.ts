import type { Entry } from './entry.js'

/** At most so many characters are retained: some 64 MiB, or twice that if the texts are not Latin. */
const MAX_CHARACTERS = 2 ** 26

/** The last written entry of each task, the one that was written last at the end. Bounded: the oldest is forgotten. */
export class WrittenEntries {
  readonly #entries = new Map<string, Entry>()
  readonly #max: number
  #characters = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  add(entry: Entry): void {
    this.#delete(entry.id)
    this.#entries.set(entry.id, entry)
    this.#characters += entry.length
    for (const id of this.#entries.keys()) {
      if (this.#entries.size <= this.#max && this.#characters <= MAX_CHARACTERS) return
      this.#delete(id)
    }
  }

  /** Those that a reader may still want, the oldest first. The others are forgotten. */
  unexpired(now: number): readonly Entry[] {
    for (const [id, entry] of this.#entries) if (entry.isExpired(now)) this.#delete(id)
    return [...this.#entries.values()]
  }

  #delete(id: string): void {
    this.#characters -= this.#entries.get(id)?.length ?? 0
    this.#entries.delete(id)
  }
}
