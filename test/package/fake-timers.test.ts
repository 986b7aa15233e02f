/** The packed library under the fake timers of Jest and of Node's own test runner, as ES modules and as CommonJS. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { lendDevDependencies, project } from './project.js'
import { root, run } from './run.js'

const TYPES = ['module', 'commonjs'] as const

const load = {
  module: "import { scenarios } from './scenarios.js'",
  commonjs: "const { scenarios } = require('./scenarios.js')"
}

const ofJest = `
const timers = {
  install: () => void jest.useFakeTimers(),
  uninstall: () => void jest.useRealTimers(),
  advance: (ms) => jest.advanceTimersByTimeAsync(ms)
}
const warnings = []
process.on('warning', (warning) => warnings.push(warning))
test.each(scenarios)('fake timers move %s', async (_, scenario) => {
  await scenario(timers)
  expect(warnings).toEqual([])
})
`

/** They move their time before they call what is due, so that it moves in small steps. */
const ofNode = `
const turn = setImmediate
const timers = {
  install: () => mock.timers.enable({ apis: ['setTimeout'] }),
  uninstall: () => mock.timers.reset(),
  advance: async (ms) => {
    for (let left = ms; left > 0; left -= 50) {
      mock.timers.tick(Math.min(left, 50))
      await new Promise((resolve) => turn(resolve))
    }
  }
}
const all = async () => {
  for (const [, scenario] of scenarios) await scenario(timers)
  console.log(scenarios.length)
}
void all()
`

describe.each(TYPES)('fake timers, for a project of type %s', (type) => {
  let folder: string
  let home: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coatcheck-fake-timers-'))
    home = await project(folder, 'faked', type, inject('tarball'))
    await lendDevDependencies(home)
    await build({
      entryPoints: [join(root, 'test/fake-timers/scenarios.ts')],
      outfile: join(home, 'scenarios.js'),
      format: type === 'module' ? 'esm' : 'cjs',
      platform: 'node',
      tsconfigRaw: {},
      bundle: true,
      packages: 'external'
    })
    const globals = type === 'module' ? "import { expect, jest, test } from '@jest/globals'\n" : ''
    await writeFile(join(home, 'faked.test.js'), `${globals}${load[type]}\n${ofJest}`)
    const node = type === 'module' ? "import { mock } from 'node:test'" : "const { mock } = require('node:test')"
    await writeFile(join(home, 'node-test.js'), `${node}\n${load[type]}\n${ofNode}`)
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('are those of Jest', async () => {
    const jest = join(home, 'node_modules', 'jest', 'bin', 'jest.js')
    const config = JSON.stringify({ transform: {}, rootDir: home, haste: { enableSymlinks: true }, watchman: false })
    const report = join(home, 'report.json')
    const args = [jest, '--config', config, '--ci', '--runInBand', '--json', '--outputFile', report]
    await run(process.execPath, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', ...args], home)
    expect(JSON.parse(await run('cat', [report], home))).toMatchObject({ success: true, numFailedTests: 0 })
  })

  it("are those of Node's test runner", async () => {
    expect(Number(await run(process.execPath, ['node-test.js'], home))).toBeGreaterThan(10)
  })
})
