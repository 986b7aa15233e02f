/** The packed library, installed from its tarball into projects that are not ours. */
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { compile, filesBelow, lendDevDependencies, project } from './project.js'
import { root, run } from './run.js'

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, Readonly<Record<string, string>>>>>>
  readonly main: string
  readonly types: string
}

/** The Node that runs the tests, and any others named in `COATCHECK_NODE_BINARIES` (separated as in `PATH`). */
const nodes = [process.execPath, ...(process.env['COATCHECK_NODE_BINARIES'] ?? '').split(delimiter).filter(Boolean)]

/** All but `coatcheck/telemetry`, `coatcheck/threads` and `coatcheck/bullmq`, which need their peers. */
const doors = [
  '',
  '/http',
  '/client',
  '/node-http',
  '/express',
  '/fastify',
  '/fetch',
  '/dashboard',
  '/testing',
  '/stores/keyv',
  '/stores/sqlite'
].map((name) => `coatcheck${name}`)

let folder: string
let installed: string
let manifest: Manifest

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false
  )

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coatcheck-tarball-'))
  installed = join(await project(folder, 'plain', 'module', inject('tarball')), 'node_modules', 'coatcheck')
  manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Manifest
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the tarball', () => {
  it('holds the build, the source its maps lead to, the pages and nothing else', async () => {
    const expected =
      /^(package\.json|README\.md|LICENSE|(CHANGELOG|CONTRIBUTING|SECURITY)\.md|dist\/.+\.(js|cjs|d\.ts|d\.cts)(\.map)?|src\/.+\.ts|examples\/.+|docs\/(?!api\/).+)$/
    expect((await filesBelow(installed)).filter((name) => !expected.test(name))).toEqual([])
  })

  it('holds its licence', async () => {
    expect(await readFile(join(installed, 'LICENSE'), 'utf8')).toContain('MIT License')
  })

  it('holds every file its manifest names', async () => {
    const leaves = (value: unknown): readonly string[] =>
      typeof value === 'string' ? [value] : Object.values(value as object).flatMap(leaves)
    const named = [manifest.main, manifest.types, ...leaves(manifest.exports)]
    const missing: string[] = []
    for (const name of new Set(named)) if (!(await exists(join(installed, name)))) missing.push(name)
    expect(missing).toEqual([])
  })

  it('has a source map beside every script, and every file that a map names', async () => {
    const scripts = (await filesBelow(join(installed, 'dist'))).filter((name) => /\.c?js$/.test(name))
    expect(scripts.length).toBeGreaterThanOrEqual(2 * doors.length)
    const missing: string[] = []
    for (const script of scripts) {
      const path = join(installed, 'dist', script)
      const text = await readFile(path, 'utf8')
      const url = /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(text)?.[1]
      if (url === undefined || !(await exists(join(dirname(path), url)))) {
        missing.push(`${script} → ${url ?? 'no map'}`)
        continue
      }
      const map = JSON.parse(await readFile(join(dirname(path), url), 'utf8')) as {
        readonly sources: readonly string[]
      }
      for (const source of map.sources) {
        if (!(await exists(join(dirname(path), source)))) missing.push(`${script} → ${source}`)
      }
    }
    expect(missing).toEqual([])
  })

  it('keeps the node: prefix of built-in modules', async () => {
    const bare: string[] = []
    for (const name of await filesBelow(join(installed, 'dist'))) {
      if (!/\.c?js$/.test(name)) continue
      const text = await readFile(join(installed, 'dist', name), 'utf8')
      for (const [, specifier] of text.matchAll(/(?:\bfrom\s*|\brequire\(|\bimport\()["']([^"']+)["']/g)) {
        const isKnown = /^(\.|node:|(eventemitter3|@opentelemetry\/api|bullmq|ioredis|piscina)$)/.test(specifier ?? '')
        if (!isKnown) bare.push(`${name}: ${specifier}`)
      }
    }
    expect(bare).toEqual([])
  })

  it.each(['client/index.js', 'adapters/fetch/index.js'])(
    'has in %s what leads to nothing but its own files, and so runs anywhere',
    async (entry) => {
      const reached = new Set([entry])
      for (const script of reached) {
        const text = await readFile(join(installed, 'dist', script), 'utf8')
        for (const [, specifier = ''] of text.matchAll(/(?:\bfrom\s*|\bimport\s*|\bimport\()["']([^"']+)["']/g)) {
          expect(specifier, script).toMatch(/^\./)
          reached.add(join(dirname(script), specifier))
        }
      }
      expect(reached.size).toBeGreaterThan(1)
    }
  )

  it('leads every relative link of its README to a file it holds', async () => {
    const text = await readFile(join(installed, 'README.md'), 'utf8')
    const missing: string[] = []
    for (const [, target] of text.matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)) {
      if (target === undefined || /^[a-z]+:/.test(target)) continue
      if (!(await exists(join(installed, target)))) missing.push(target)
    }
    expect(missing).toEqual([])
  })

  it('is clean by publint', async () => {
    const publint = join(root, 'node_modules', '.bin', 'publint')
    expect(await run(publint, ['--strict', inject('tarball')], folder)).toContain('All good!')
  })

  it('is clean by attw', async () => {
    const attw = join(root, 'node_modules', '.bin', 'attw')
    // It answers with an exit code.
    await run(attw, [inject('tarball')], folder)
  })
})

describe('an empty project', () => {
  const sameClasses = `
    const doors = ${JSON.stringify(doors)}
    const differences = []
    for (const door of doors) {
      const imported = await import(door)
      const required = require(door)
      const names = new Set([...Object.keys(imported), ...Object.keys(required)])
      names.delete('__esModule'); names.delete('module.exports')
      for (const name of names) if (imported[name] !== required[name]) differences.push(door + ' ' + name)
      if (!Object.keys(imported).length) differences.push(door + ' is empty')
    }
    const { WorkerPool } = require('coatcheck')
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 })
    pool.start()
    const answer = await pool.queueTask(() => 42).result()
    if (!(pool instanceof (await import('coatcheck')).WorkerPool)) differences.push('instanceof')
    await pool.stop({ graceMs: 0 })
    console.log(JSON.stringify({ answer, differences }))`

  const whole = { answer: 42, differences: [] }

  const runOnEveryNode = async (home: string, script: string): Promise<void> => {
    for (const node of nodes) {
      // A warning (an experimental `require` of a module, say) would be an error of ours.
      const printed = await run(node, ['--throw-deprecation', '--trace-warnings', script], home)
      expect(JSON.parse(printed), node).toEqual(whole)
    }
  }

  it('with ES modules gets the same classes from import and require', async () => {
    const home = await project(folder, 'esm', 'module', inject('tarball'))
    await writeFile(
      join(home, 'main.js'),
      `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n${sameClasses}`
    )
    await runOnEveryNode(home, 'main.js')
  })

  it('with CommonJS gets the same classes from import and require', async () => {
    const home = await project(folder, 'cjs', 'commonjs', inject('tarball'))
    await writeFile(join(home, 'main.js'), `(async () => {${sameClasses}})()`)
    await runOnEveryNode(home, 'main.js')
  })

  it.each(['module', 'commonjs'] as const)('of type %s gets a dashboard whose page is in the package', async (type) => {
    const home = await project(folder, `dashboard-${type}`, type, inject('tarball'))
    const load = type === 'module' ? 'await import' : 'require'
    const script = `
      const { WorkerPool } = ${load}('coatcheck')
      const { dashboard } = ${load}('coatcheck/dashboard')
      const { ticketRoutes } = ${load}('coatcheck/http')
      const { nodeListener } = ${load}('coatcheck/node-http')
      const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
      const routes = dashboard(pool, ticketRoutes(pool), { authorize: 'loopback' })
      const server = require('node:http').createServer(nodeListener(routes)).listen(0, '127.0.0.1')
      await require('node:events').once(server, 'listening')
      const url = 'http://127.0.0.1:' + server.address().port + '/dashboard'
      const page = await (await fetch(url)).text()
      const reader = (await fetch(url + '/events')).body.getReader()
      const event = Buffer.from((await reader.read()).value).toString()
      await reader.cancel()
      server.closeAllConnections()
      server.close()
      console.log(JSON.stringify([page.includes('new EventSource'), /"name":"healthy"/.test(event)]))`
    const requiring = `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n`
    await writeFile(join(home, 'main.js'), type === 'module' ? requiring + script : `(async () => {${script}})()`)
    // It ends by itself: the pool still runs, and no timer of the dashboard keeps the process alive.
    expect(JSON.parse(await run(process.execPath, ['--throw-deprecation', 'main.js'], home))).toEqual([true, true])
  })

  const storing = (load: string, options: string): string => `
    const { sqliteStore } = ${load}('coatcheck/stores/sqlite')
    const path = require('node:path').join(require('node:fs').mkdtempSync('store-'), 'tasks.db')
    try {
      const store = await sqliteStore({ path, ...${options} })
      await store.write({ insert: [], update: [], remove: [] })
      await store.close()
      console.log('written')
    } catch (error) { console.log(error.code + ' ' + error.message) }`

  const storeIn = async (home: string, type: 'module' | 'commonjs', options: string): Promise<string> => {
    const script = storing(type === 'module' ? 'await import' : 'require', options)
    const requiring = `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n`
    await writeFile(join(home, 'store.js'), type === 'module' ? requiring + script : `(async () => {${script}})()`)
    return 'store.js'
  }

  describe.each(['module', 'commonjs'] as const)('of type %s, with a store of SQLite', (type) => {
    it.each(['{}', '{ thread: false }'])('uses what Node has, or names what can be installed (%s)', async (options) => {
      const home = await project(folder, `store-${type}-${options.length}`, type, inject('tarball'))
      const script = await storeIn(home, type, options)
      for (const node of nodes) {
        const hasSqlite =
          (await run(node, ['-p', "Boolean(process.getBuiltinModule('node:sqlite'))"], home)) === 'true\n'
        const expected = hasSqlite
          ? /^written$/
          : /^ERR_STORE_DRIVER .*node:sqlite.*@photostructure\/sqlite.*better-sqlite3/
        expect((await run(node, [script], home)).trim(), node).toMatch(expected)
      }
    })

    it.each(['{}', '{ thread: false }'])('uses @photostructure/sqlite if it is installed (%s)', async (options) => {
      const home = await project(folder, `driver-${type}-${options.length}`, type, inject('tarball'))
      await lendDevDependencies(home)
      const script = await storeIn(home, type, options)
      expect(await run(process.execPath, ['--throw-deprecation', script], home)).toBe('written\n')
    })
  })

  it.each(['module', 'commonjs'] as const)(
    'of type %s may load the telemetry if @opentelemetry/api is installed',
    async (type) => {
      const home = await project(folder, `telemetry-${type}`, type, inject('tarball'))
      const load = type === 'module' ? 'await import' : 'require'
      const script = `
      try {
        const { observe } = ${load}('coatcheck/telemetry')
        const { WorkerPool } = ${load}('coatcheck')
        const { trace } = ${load}('@opentelemetry/api')
        const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
        const end = observe(pool, { tracer: trace.getTracer('test') })
        console.log(await pool.queueTask(() => 'observed').result())
        await pool.stop()
        end()
      } catch (error) { console.log(error.message) }`
      await writeFile(join(home, 'main.js'), type === 'module' ? script : `(async () => {${script}})()`)
      expect(await run(process.execPath, ['main.js'], home)).toMatch(/@opentelemetry\/api/)
      await lendDevDependencies(home)
      expect(await run(process.execPath, ['--throw-deprecation', 'main.js'], home)).toBe('observed\n')
    }
  )

  it('may read the manifest', async () => {
    const home = join(folder, 'plain')
    expect(await run(process.execPath, ['-p', 'require("coatcheck/package.json").name'], home)).toBe('coatcheck\n')
  })
})

describe('the examples', () => {
  let home: string

  beforeAll(async () => {
    home = await project(folder, 'examples', 'module', inject('tarball'))
    await cp(join(installed, 'examples'), join(home, 'examples'), { recursive: true })
    await lendDevDependencies(home)
  })

  it('compile against the packed library, not only against the source', async () => {
    const files = (await filesBelow(join(home, 'examples'))).filter((name) => name.endsWith('.ts'))
    expect(files).toContain('demo.ts')
    await compile(home, ['examples'])
  })

  it('run against the packed library: the demo balances its books', async () => {
    await run(process.execPath, [join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs'), 'examples/demo.ts'], home)
  })
})
