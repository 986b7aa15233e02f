import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { text } from '../observe.mjs'

const CHILD = fileURLToPath(new URL('../life.child.mjs', import.meta.url))
const TASKS = 20

/**
 * Lets one process work with the files of this directory until it ends.
 *
 * @type {(question: import('../life.child.mjs').Question, flags: readonly string[]) => Promise<{ killed: boolean }>}
 */
const life = (question, flags) =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [...flags, CHILD, JSON.stringify(question)], (error) => {
      if (error !== null && error.signal !== 'SIGKILL') return reject(error)
      resolve({ killed: error !== null })
    })
  })

/** @type {import('../types.js').Play} */
export const restart = {
  title: 'Kill and restart',
  what: 'Twenty tasks are queued for two places. When five of them have ended, the process kills itself with SIGKILL. A second process opens the same queue and waits until nothing is left.',

  async play({ name: library }, { redis, flags = [] }) {
    const directory = await mkdtemp(join(tmpdir(), 'situation-'))
    try {
      const log = join(directory, 'log')
      await writeFile(log, '')
      const question = { library, redis, log, file: join(directory, 'tasks.db') }
      const first = await life({ ...question, tasks: TASKS, killAfter: 5 }, flags)
      if (!first.killed) throw new Error('The first process was not killed.')
      const second = await life({ ...question, tasks: 0 }, flags)
      if (second.killed) throw new Error('The second process was killed.')
      const lines = (await readFile(log, 'utf8')).split('\n')
      const ended = new Set(lines.filter((line) => line.startsWith('ended'))).size
      const calls = lines.filter((line) => line.startsWith('started')).length
      return {
        text: text(`${ended} of ${TASKS} done, by ${calls} calls`, ended < TASKS && `${TASKS - ended} lost`)
      }
    } finally {
      await rm(directory, { recursive: true })
    }
  }
}
