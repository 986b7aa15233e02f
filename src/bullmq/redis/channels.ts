import type { Redis } from 'ioredis'
import { expected } from './expected.js'

/** Called when a message came, and when one may have been missed. */
export type OnMessage = (message: string) => void

/** The channels that this process listens to, on one connection. */
export class Channels {
  readonly #client: Redis
  readonly #listeners = new Map<string, Set<OnMessage>>()

  constructor(client: Redis) {
    this.#client = client
    client.on('message', (channel: string, message: string) => this.#notify(channel, message))
    client.on('ready', () => {
      for (const channel of this.#listeners.keys()) this.#subscribe(channel)
    })
  }

  /**
   * Listens until the returned function is called. The listener is also called, with an empty message, once the subscription
   * stands: what came before that was missed.
   */
  listen(channel: string, listener: OnMessage): () => void {
    const listeners = this.#listeners.get(channel)
    if (listeners !== undefined) {
      listeners.add(listener)
      listener('')
    } else {
      this.#listeners.set(channel, new Set([listener]))
      if (this.#isReady) this.#subscribe(channel)
    }
    return () => this.#leave(channel, listener)
  }

  /** A subscription that is sent while a connection is being made may be lost. */
  get #isReady(): boolean {
    return this.#client.status === 'ready'
  }

  #subscribe(channel: string): void {
    this.#client.subscribe(channel).then(() => this.#notify(channel, ''), expected)
  }

  #leave(channel: string, listener: OnMessage): void {
    const listeners = this.#listeners.get(channel)
    listeners?.delete(listener)
    if (listeners?.size !== 0) return
    this.#listeners.delete(channel)
    if (this.#isReady) this.#client.unsubscribe(channel).catch(expected)
  }

  #notify(channel: string, message: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(message)
  }
}
