import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { ThreadSettings } from './messages.js'

/** The thread runs nothing of the application's: neither what it preloads, nor Node's note that `node:sqlite` is new. */
const OPTIONS = { name: 'coatcheck-sqlite', execArgv: ['--disable-warning=ExperimentalWarning'] }

/** This file, or what it is built into. */
const OWN_URL = import.meta.url

/** The thread's file lies beside this one, in the source as in both builds. */
export function startThread(settings: ThreadSettings): Worker {
  const extension = extname(fileURLToPath(OWN_URL))
  const url = new URL(`./thread${extension}`, OWN_URL)
  const options = { ...OPTIONS, workerData: settings }
  return extension === '.ts' ? new Worker(compiled(url), { ...options, eval: true }) : new Worker(url, options)
}

/** What is used of esbuild, which is there for the tests only. */
interface Compiler {
  buildSync(options: object): { readonly outputFiles: readonly { readonly text: string }[] }
}

let code: string | undefined

/** Not the build but the source, in the tests: Node does not run it as it is. */
function compiled(url: URL): string {
  const { buildSync } = createRequire(OWN_URL)('esbuild') as Compiler
  code ??= buildSync({
    ...{ entryPoints: [fileURLToPath(url)], bundle: true, platform: 'node', format: 'cjs', write: false },
    define: { 'import.meta.url': JSON.stringify(OWN_URL) }
  }).outputFiles[0]?.text
  return code as string
}
