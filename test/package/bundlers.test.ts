/** A server and its client, bundled with the packed library and run where neither is installed. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import commonjsPlugin from '@rollup/plugin-commonjs'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { build } from 'esbuild'
import { type Plugin, rollup } from 'rollup'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import webpack from 'webpack'
import { project } from './project.js'
import { run } from './run.js'

const app = `
  import { once } from 'node:events'
  import { createServer } from 'node:http'
  import { WorkerPool } from 'coatcheck'
  import { submit } from 'coatcheck/client'
  import { dashboard } from 'coatcheck/dashboard'
  import { ticketRoutes } from 'coatcheck/http'
  import { nodeListener } from 'coatcheck/node-http'

  const main = async () => {
    const handlers = { double: async (n) => n * 2 }
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, handlers })
    const tickets = ticketRoutes(pool, { accept: [{ path: '/tasks', submit: ({ n }) => pool.queueTask('double', n) }] })
    const server = createServer(nodeListener(dashboard(pool, tickets, { authorize: 'loopback' })))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = 'http://127.0.0.1:' + server.address().port
    const doubled = submit(url + '/tasks', { n: 21 })
    while (pool.stats().queued === 0) await new Promise(setImmediate)
    const refusal = await fetch(url + '/tasks', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"n":1}'
    })
    const page = await (await fetch(url + '/dashboard')).text()
    pool.start()
    const result = await doubled
    await pool.stop()
    server.closeAllConnections()
    server.close()
    console.log(JSON.stringify([result, refusal.status, page.includes('EventSource'), pool.state]))
  }
  void main()
`

const printed = [42, 503, true, 'stopped']

let folder: string
let entry: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coatcheck-bundlers-'))
  const home = await project(folder, 'bundled', 'module', inject('tarball'))
  entry = join(home, 'app.js')
  await writeFile(entry, app)
  await mkdir(join(folder, 'deployed'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Its types are those of CommonJS, but an ES module is loaded. */
const commonjs = commonjsPlugin as unknown as () => Plugin

type Format = 'esm' | 'cjs'

const bundlers: Readonly<Record<string, (path: string, format: Format) => Promise<void>>> = {
  esbuild: async (path, format) => {
    const { warnings } = await build({
      ...{ entryPoints: [entry], outfile: path, format, bundle: true, minify: true, platform: 'node' },
      logLevel: 'silent'
    })
    expect(warnings).toEqual([])
  },
  rollup: async (path, format) => {
    const warnings: string[] = []
    const bundle = await rollup({
      ...{ input: entry, plugins: [nodeResolve(), commonjs()], external: /^node:/ },
      onwarn: ({ message }) => void warnings.push(message)
    })
    await bundle.write({ file: path, format, inlineDynamicImports: true })
    expect(warnings).toEqual([])
  },
  webpack: async (path, format) => {
    const library = format === 'esm' ? { type: 'module' as const } : { type: 'commonjs2' as const }
    const compiler = webpack({
      ...{ mode: 'production', target: 'node20', entry },
      optimization: { minimize: false },
      experiments: { outputModule: format === 'esm' },
      output: { path: dirname(path), filename: basename(path), library }
    })
    const stats = await promisify(compiler.run.bind(compiler))()
    await promisify(compiler.close.bind(compiler))()
    expect(stats?.toJson({ all: false, errors: true, warnings: true })).toMatchObject({ errors: [], warnings: [] })
  }
}

describe.each(Object.keys(bundlers))('%s', (name) => {
  it.each(['esm', 'cjs'] as const)('makes a bundle of format %s that runs by itself', async (format) => {
    const path = join(folder, 'deployed', `${name}.${format === 'esm' ? 'mjs' : 'cjs'}`)
    await bundlers[name]!(path, format)
    expect(JSON.parse(await run(process.execPath, ['--throw-deprecation', path], folder))).toEqual(printed)
  })
})
