/** The lines of Node that the library is measured on, besides the one that runs the bench. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LINES = ['20', '22', '24', '26']

/**
 * The program of each line, fetched from the npm package that carries it and kept in a temporary folder. A line that
 * cannot be fetched is told and left out.
 *
 * @returns {string[]}
 */
export const nodeLines = () =>
  LINES.flatMap((line) => {
    if (process.versions.node.startsWith(`${line}.`)) return [process.execPath]
    const found = fetched(line)
    if (found === undefined) console.error(`Node ${line} could not be installed: it is left out.`)
    return found ?? []
  })

/** @type {(line: string) => string | undefined} */
const fetched = (line) => {
  const home = join(tmpdir(), 'coatcheck-node-lines', line)
  const carrier = `node-${process.platform}-${process.arch}`
  mkdirSync(home, { recursive: true })
  const quietly = ['--no-save', '--no-audit', '--no-fund', '--silent']
  spawnSync('npm', ['install', '--prefix', home, ...quietly, `${carrier}@${line}`], { stdio: 'ignore' })
  const node = join(home, 'node_modules', carrier, 'bin', 'node')
  return spawnSync(node, ['--version']).status === 0 ? node : undefined
}

/** @type {(node: string) => string} */
export const versionOf = (node) => execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
