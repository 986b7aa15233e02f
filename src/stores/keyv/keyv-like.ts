/** The part of a `Keyv` (version 5) that the mirror uses. */
export interface KeyvLike {
  /** The value of a key; `undefined` when there is none. */
  get(key: string): Promise<unknown>

  /**
   * Sets the value of a key.
   *
   * @param ttl - how long it is kept, in milliseconds
   * @returns `false` when it was not set
   */
  set(key: string, value: string, ttl?: number): Promise<boolean>

  /** Deletes a key. */
  delete(key: string): Promise<boolean>

  /** Adds a listener of errors. */
  on(event: 'error', listener: (error: unknown) => void): unknown

  /** Ends the connections. */
  disconnect(): Promise<void>
}
