import type { KeyvStoreAdapter, StoredData } from 'keyv'
import { gate } from '../../../support/gate.js'

/** A store for a Keyv, in memory, whose writes the test can hold back, refuse and lose. */
export class GatedStore implements KeyvStoreAdapter {
  readonly values = new Map<string, string>()
  /** Keys in the order of their writes. */
  readonly writes: string[] = []
  declare namespace?: string
  readonly opts = {}
  /** What is returned for an absent value. */
  absent: object | undefined
  refuses: (key: string) => boolean = () => false
  #gate: ReturnType<typeof gate<void>> | undefined
  underWay = 0

  /** Holds all further writes back. */
  hold(): void {
    this.#gate = gate()
  }

  release(): void {
    this.#gate?.open()
    this.#gate = undefined
  }

  /** Holds no further writes back; what is held stays so until the returned function is called. */
  admit(): () => void {
    const held = this.#gate
    this.#gate = undefined
    return () => held?.open()
  }

  async get<Value>(key: string): Promise<StoredData<Value> | undefined> {
    return (this.values.get(key) ?? this.absent) as StoredData<Value>
  }

  async set(key: string, value: string): Promise<void> {
    this.writes.push(key)
    this.underWay++
    await this.#gate?.promise
    this.underWay--
    if (this.refuses(key)) throw new Error('refused')
    this.values.set(key, value)
  }

  async delete(key: string): Promise<boolean> {
    return this.values.delete(key)
  }

  async clear(): Promise<void> {
    this.values.clear()
  }

  on(): this {
    return this
  }
}
