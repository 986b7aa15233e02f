import { isFunction } from '../../contract/checks.js'
import { read } from '../../contract/task-record.js'
import type { Call, Outcome } from '../messages.js'
import type { ThreadContext } from '../thread-context.js'
import { thrownOf } from '../thrown.js'
import type { RunningCall } from './running-call.js'

/** Loads a file by its URL. */
export type Load = (file: string) => Promise<unknown>

/** Loads the file of a call and calls its function. Never rejects. */
export async function outcomeOf({ file, name, input }: Call, running: RunningCall, load: Load): Promise<Outcome> {
  let module: unknown
  try {
    module = await load(file)
  } catch (error) {
    return { unloaded: thrownOf(error) }
  }
  const found = functionIn(module, name)
  if (found === undefined) return { functions: functionsOf(module) }
  if (running.context.signal.aborted) return { aborted: true }
  try {
    return { value: await found(input, running.context) }
  } catch (error) {
    return running.thrown(error)
  }
}

/** Exports of a CommonJS module may be found only as properties of its default export. */
function functionIn(module: unknown, name: string): ((input: unknown, ctx: ThreadContext) => unknown) | undefined {
  return [read(module, name), read(read(module, 'default'), name)].find(isFunction) as ReturnType<typeof functionIn>
}

function functionsOf(module: unknown): readonly string[] {
  return Object.keys(Object(module)).filter((name) => isFunction(read(module, name)))
}
