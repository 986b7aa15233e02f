import { existsSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The path of the file that runs in each thread. It lies beside the one that has this code, in both builds; if that is a
 * bundle of the application, it is in the package.
 *
 * @param own - URL of the file that has this code; a bundle in CommonJS has none
 */
export function threadFile(own: string | undefined): string {
  const path = own === undefined ? (process.argv[1] as string) : fileURLToPath(own)
  if (path.endsWith('.ts')) return compiled(path)
  const beside = join(dirname(path), 'thread.cjs')
  return existsSync(beside) ? beside : join(dirname(createRequire(path).resolve('coatcheck/threads')), 'thread.cjs')
}

/** What is used of esbuild, which is there for the tests only. */
interface Compiler {
  buildSync(options: object): unknown
}

let output: string | undefined

/** Not the build but the source, in the tests: Node does not run it as it is. */
function compiled(own: string): string {
  if (output !== undefined) return output
  const { buildSync } = createRequire(own)('esbuild') as Compiler
  const folder = dirname(own)
  output = join(folder, '../../node_modules/.cache/coatcheck/thread.cjs')
  const draft = `${output}.${process.pid}`
  buildSync({
    ...{ entryPoints: [join(folder, 'thread/thread.ts')], bundle: true, platform: 'node', format: 'cjs' },
    outfile: draft
  })
  renameSync(draft, output) // other processes use it at the same time
  return output
}
