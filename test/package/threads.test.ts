/** CPU work on threads, from the packed library: as it is installed, and in a bundle of the application. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { lendDevDependencies, project } from './project.js'
import { run } from './run.js'

const nodes = [process.execPath, ...(process.env['COATCHECK_NODE_BINARIES'] ?? '').split(delimiter).filter(Boolean)]

const work = {
  module: {
    name: 'work.mjs',
    text: 'export const double = ({ n }) => n * 2\nexport const deaf = (_, { progress }) => { progress(1); for (;;); }\n'
  },
  commonjs: {
    name: 'work.cjs',
    text: 'exports.double = ({ n }) => n * 2\nexports.deaf = (_, { progress }) => { progress(1); for (;;); }\n'
  }
}

/** Doubles a number, and kills a task that ignores its abort. Ends by itself. */
const program = (type: 'module' | 'commonjs', file: string): string => `
  ${type === 'module' ? "import { WorkerPool } from 'coatcheck'\nimport { cpuTask } from 'coatcheck/threads'" : "const { WorkerPool } = require('coatcheck')\nconst { cpuTask } = require('coatcheck/threads')"}
  const inThread = (name) => cpuTask({ file: ${file}, export: name, killAfterMs: 1 })
  const handlers = { double: inThread('double'), deaf: inThread('deaf') }
  const pool = new WorkerPool({ concurrency: 2, queueCapacity: 9, handlers }).start()
  const all = async () => {
    const doubled = await pool.queueTask('double', { n: 21 }).result()
    pool.on('progress', (task) => task.cancel())
    const deaf = await pool.queueTask('deaf').settled()
    console.log(doubled + ' ' + deaf.state)
  }
  void all()`

describe.each(['module', 'commonjs'] as const)('threads, in a project of type %s', (type) => {
  let folder: string
  let home: string
  const { name, text } = work[type]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coatcheck-threads-'))
    home = await project(folder, 'threads', type, inject('tarball'))
    await writeFile(join(home, name), text)
    const file =
      type === 'module' ? `new URL('./${name}', import.meta.url)` : `require('node:path').join(__dirname, '${name}')`
    await writeFile(join(home, 'main.js'), program(type, file))
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('need piscina, and say so', async () => {
    expect(await readdir(join(home, 'node_modules'))).not.toContain('piscina')
    await expect(run(process.execPath, ['main.js'], home)).rejects.toThrow(/Cannot find (package|module) 'piscina'/)
    await lendDevDependencies(home)
  })

  it('work as they are installed', async () => {
    for (const node of nodes)
      expect(await run(node, ['--throw-deprecation', 'main.js'], home), node).toBe('42 canceled\n')
  })

  // What calls `require` cannot become an ES module.
  const formats = type === 'module' ? (['esm', 'cjs'] as const) : (['cjs'] as const)

  describe.each(formats)('in a bundle by esbuild, as %s', (format) => {
    it.each([
      { where: 'outside', external: ['coatcheck', 'piscina'] },
      { where: 'inside', external: ['piscina'] }
    ])('work with the library $where of it', async ({ where, external }) => {
      const output = join('out', `${format}-${where}.${format === 'esm' ? 'mjs' : 'cjs'}`)
      await writeFile(join(home, 'bundled.js'), program(type, `'${join(home, name)}'`))
      await build({
        ...{
          absWorkingDir: home,
          entryPoints: ['bundled.js'],
          outfile: output,
          bundle: true,
          platform: 'node',
          format,
          external
        },
        // A bundle in CommonJS has no `import.meta.url`: the library does without.
        logOverride: { 'empty-import-meta': 'silent' }
      })
      for (const node of nodes) expect(await run(node, [output], home), node).toBe('42 canceled\n')
    })
  })
})
