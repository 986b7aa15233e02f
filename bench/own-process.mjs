/** Each figure comes from a process of its own, so that no contender meets what another left in the heap or the JIT. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Runs a file of this folder in a new process and answers what its {@link answer} told.
 *
 * @param {string} file
 * @param {object} question
 * @param {{ node?: string | undefined, flags?: readonly string[] | undefined }} [where] another line of Node, V8 flags
 * @returns {Promise<any>}
 */
export const ask = async (file, question, { node = process.execPath, flags = [] } = {}) => {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const { stdout } = await run(node, [...flags, path, JSON.stringify(question)], { maxBuffer: 1 << 26 })
  return JSON.parse(stdout)
}

/**
 * The other side: answers the question this process was started with.
 *
 * @template Question
 * @param {(question: Question) => unknown} find
 */
export const answer = async (find) => {
  const found = await find(JSON.parse(process.argv[2] ?? '{}'))
  process.stdout.write(JSON.stringify(found))
}
