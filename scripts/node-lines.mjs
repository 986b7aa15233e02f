/**
 * Runs the tests on other lines of Node: `npm run test:node-lines`, or `npm run test:node-lines -- 22 26.1.0`.
 *
 * Each line's binary comes from the npm package that carries it and is kept in a temporary folder. The tests run from the
 * source; then the packed library is required and imported on every line, which must give the same classes.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const carrier = `node-${process.platform}-${process.arch}`

/** @type {(command: string, args: readonly string[], env?: NodeJS.ProcessEnv) => boolean} */
const succeeds = (command, args, env = {}) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status === 0

const lines = process.argv.length > 2 ? process.argv.slice(2) : ['22', '24', '26']

/** @type {string[]} */
const binaries = []
/** @type {string[]} */
const report = []

for (const line of lines) {
  const home = join(tmpdir(), 'coatcheck-node-lines', line)
  mkdirSync(home, { recursive: true })
  const installed = succeeds('npm', [
    'install',
    '--prefix',
    home,
    '--no-save',
    '--no-audit',
    '--no-fund',
    `${carrier}@${line}`
  ])
  const node = join(home, 'node_modules', carrier, 'bin', 'node')
  const version = installed ? spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim() : ''
  if (version === '') {
    report.push(`Node ${line}: could not be installed`)
    continue
  }
  binaries.push(node)
  const path = `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}`
  const passed = succeeds(node, [vitest, 'run', '--project', 'unit'], { PATH: path })
  report.push(`Node ${version}: tests ${passed ? 'passed' : 'FAILED'}`)
  if (!passed) process.exitCode = 1
}

if (binaries.length < lines.length) process.exitCode = 1

const same = succeeds(process.execPath, [vitest, 'run', 'test/package/tarball.test.ts'], {
  COATCHECK_NODE_BINARIES: binaries.join(delimiter)
})
report.push(`The package on ${[process.version, ...lines].join(', ')}: ${same ? 'passed' : 'FAILED'}`)
if (!same) process.exitCode = 1

console.log(report.join('\n'))
