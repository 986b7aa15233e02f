/** The weights of accepted tasks that have not settled. */
export class Weights<E> {
  readonly capacity: number
  /** Their sum, which never exceeds the capacity. */
  held = 0
  #count = 0
  /** Weights other than 1. */
  readonly #others = new Map<E, number>()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  hasRoom(weight: number): boolean {
    return this.held + weight <= this.capacity
  }

  take(entry: E, weight: number): void {
    this.#count++
    this.held += weight
    if (weight !== 1) this.#others.set(entry, weight)
  }

  giveBack(entry: E): void {
    const weight = this.#others.get(entry) ?? 1
    this.#others.delete(entry)
    this.held = --this.#count === 0 ? 0 : this.held - weight // sums of fractions are not exact: an empty pool holds nothing
  }
}
