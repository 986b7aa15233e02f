import type { MessagePort } from 'node:worker_threads'
import type { TaskContext } from '../contract/task-contract.js'
import type { Thrown } from './thrown.js'

/** What a thread is called with first: its end of the port. */
export interface Connection {
  readonly port: MessagePort
}

/** What a thread is called with for each attempt of a task. */
export interface Call {
  /** Counts the calls of the thread. */
  readonly number: number
  /** URL of the file that has the function. */
  readonly file: string
  /** Under which name the file exports it. */
  readonly name: string
  readonly input: unknown
  readonly facts: CallFacts
}

/** The part of a context that does not change. */
export type CallFacts = Pick<TaskContext, 'id' | 'name' | 'key' | 'attempt' | 'metadata'>

/** What a thread is notified of during a call, or shortly before or after it. */
export type Notice = { readonly number: number } & (
  | { readonly abort: Thrown }
  | { readonly stopping: Thrown }
  | { readonly progressRead: true }
)

/** The arguments of `progress`. */
export type Progress = readonly [ratio: number, message: string | undefined]

/** How a call ended. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly thrown: Thrown }
  /** It threw because of the abort. */
  | { readonly aborted: true }
  /** The file cannot be loaded. */
  | { readonly unloaded: Thrown }
  /** The file has no function of that name, but functions of these. */
  | { readonly functions: readonly string[] }
  /** The value cannot be sent. */
  | { readonly uncloneable: Thrown }

/** What a thread sends: any number of times its progress, then its outcome, and nothing more for that call. */
export type Report = { readonly progress: Progress } | { readonly outcome: Outcome }
