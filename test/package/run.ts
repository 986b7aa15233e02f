import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The top of this repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What `npm run` tells its scripts about this package; a nested npm in another folder must not hear it. */
const aboutThisPackage =
  /^(npm_(package|lifecycle|command|execpath|node_execpath)|npm_config_(local_prefix|prefix)$|INIT_CWD$|NODE_ENV$|VITEST)/i

const cleanEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !aboutThisPackage.test(name)))

/** Runs a command to its end and answers what it printed; a command that fails rejects with all of its output. */
export const run = (command: string, args: readonly string[], cwd: string): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env: cleanEnv(), maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command} ${args.join(' ')} failed in ${cwd}\n${stdout}\n${stderr}`, { cause: error }))
    })
  })
