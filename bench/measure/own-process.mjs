/** Each figure comes from a process of its own, so that no contender meets what another left in the heap or the JIT. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Puts a question to a file in a new process, as plain JavaScript without a loader, and answers what its {@link answer}
 * found.
 *
 * @param {URL} file
 * @param {object} question
 * @param {{ node?: string | undefined, flags?: readonly string[] | undefined }} [where] another Node, flags of V8
 * @returns {Promise<any>}
 */
export const ask = async (file, question, { node = process.execPath, flags = [] } = {}) => {
  const args = [...flags, fileURLToPath(file), JSON.stringify(question)]
  const { stdout } = await run(node, args, { maxBuffer: 1 << 26 })
  return JSON.parse(stdout)
}

/**
 * The other side: answers the question that this process was started with.
 *
 * @template Question
 * @param {(question: Question) => unknown} find
 */
export const answer = async (find) => {
  const found = await find(JSON.parse(process.argv[2] ?? '{}'))
  process.stdout.write(JSON.stringify(found), () => process.exit()) // whatever may still be queued
}
