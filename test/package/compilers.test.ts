/** The types of the packed library, by every line of TypeScript and every resolution that knows `exports`. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { project } from './project.js'
import { root, run } from './run.js'

const main = `
  import { WorkerPool, type WorkerPoolOptions } from 'coatcheck'
  import * as client from 'coatcheck/client'
  import * as dashboard from 'coatcheck/dashboard'
  import * as express from 'coatcheck/express'
  import * as fastify from 'coatcheck/fastify'
  import * as fetching from 'coatcheck/fetch'
  import * as http from 'coatcheck/http'
  import * as nodeHttp from 'coatcheck/node-http'
  import * as keyv from 'coatcheck/stores/keyv'
  import * as sqlite from 'coatcheck/stores/sqlite'
  import * as testing from 'coatcheck/testing'
  import * as threads from 'coatcheck/threads'

  const options: WorkerPoolOptions = { concurrency: 2, queueCapacity: 4 }
  const pool = new WorkerPool(options)
  pool.start()
  const task = pool.queueTask(async ({ signal }) => (signal.aborted ? 0 : 42))
  export const answer: Promise<number> = task.result()
  const typed = new WorkerPool({
    ...options,
    handlers: { double: async (input: { n: number }, { progress }) => (progress(1), input.n * 2) }
  })
  export const doubled: Promise<number> = typed.queueTask('double', { n: 21 }).result()
  // @ts-expect-error its input is a number
  typed.queueTask('double', { n: '21' })
  // @ts-expect-error a queue without a bound is not offered
  export const unbounded = new WorkerPool({ concurrency: 2 })
  export { client, dashboard, express, fastify, fetching, http, keyv, nodeHttp, sqlite, testing, threads }`

let folder: string
let home: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coatcheck-compilers-'))
  home = await project(folder, 'typescript', 'module', inject('tarball'))
  await writeFile(join(home, 'main.mts'), main)
  await writeFile(join(home, 'main.cts'), main)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const NODE = ['nodenext', 'nodenext'] as const
const BUNDLER = ['bundler', 'preserve'] as const
/** What `nodenext` means in this line may move on with the compiler; `node16` stays. */
const NODE16 = ['node16', 'node16'] as const

const compilers = [
  ['5.4', 'typescript-5.4', [NODE16, NODE, BUNDLER]],
  ['5.9', 'typescript-5.9', [NODE, BUNDLER]],
  ['6.0', 'typescript', [NODE, BUNDLER]],
  ['7.0', 'typescript-7', [NODE16, NODE, BUNDLER]]
] as const

describe.each(compilers)('TypeScript %s', (line, compiler, resolutions) => {
  const compilerHome = join(root, 'node_modules', compiler)

  it('is what its name says', async () => {
    const { version } = JSON.parse(await readFile(join(compilerHome, 'package.json'), 'utf8')) as { version: string }
    expect(version.startsWith(`${line}.`)).toBe(true)
  })

  it.each(resolutions)(
    'compiles ES modules and CommonJS that use all of it, under %s, library types checked',
    async (resolution, module) => {
      const config = join(home, `tsconfig.${compiler}.${resolution}.json`)
      const compilerOptions = {
        ...{ module, moduleResolution: resolution, target: 'es2022', strict: true, noEmit: true, skipLibCheck: false },
        ...{ exactOptionalPropertyTypes: true, types: ['node'], typeRoots: [join(root, 'node_modules', '@types')] }
      }
      await writeFile(config, JSON.stringify({ compilerOptions, files: ['main.mts', 'main.cts'] }))
      await run(process.execPath, [join(compilerHome, 'bin', 'tsc'), '-p', config], home)
    }
  )
})
