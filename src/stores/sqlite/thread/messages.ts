import type { StoreBatch } from '../../../contract/store.js'
import type { FileSettings } from '../file/task-file.js'
import type { PlainFailure } from './plain-failure.js'

/** What the thread is started with. Plain data: no URL, which Node 24 does not clone, and no class. */
export interface ThreadSettings extends FileSettings {
  /** Name of the driver's module; without it the first that is there. */
  readonly driver: string | undefined
  /** Whether the content of the file is wanted: not when it is opened again. */
  readonly load: boolean
}

/** What is asked of the thread. */
export type Request =
  | { readonly do: 'write'; readonly batch: StoreBatch }
  | { readonly do: 'get'; readonly id: string }
  | { readonly do: 'close' }

/** A request and its number, by which the answer is known. */
export interface NumberedRequest {
  readonly call: number
  readonly request: Request
}

/** The number of the answer to the start: the content of the file, or why it cannot be opened. */
export const OPENING = 0

/** An answer of the thread. */
export type Answer =
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly failure: PlainFailure }
