import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { project } from './project.js'

let folder: string
let home: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coatcheck-shaken-'))
  home = await project(folder, 'shaken', 'module', inject('tarball'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const bundleOf = async (contents: string): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: home },
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['eventemitter3'],
    write: false
  })
  return outputFiles[0]?.text ?? ''
}

it.each([
  ['isPoolError', 'coatcheck', 2_500],
  ['QueueFullError', 'coatcheck', 4_500],
  ['WaitGroup', 'coatcheck', 14_000],
  ['isClientError', 'coatcheck/client', 2_500]
])('%s alone is a small bundle', async (name, entry, bytes) => {
  const text = await bundleOf(`export { ${name} } from '${entry}'`)
  expect(text).toContain(name)
  expect(text.length).toBeLessThan(bytes)
})

it('keeps the names of errors when it is minified', async () => {
  const text = await bundleOf(`import { WaitGroupError, DuplicateTaskError } from 'coatcheck'
    export const errors = [new WaitGroupError('m'), new DuplicateTaskError('x')]
    export const own = errors[0] instanceof WaitGroupError && !(errors[0] instanceof DuplicateTaskError)`)
  const file = join(home, 'errors.mjs')
  await writeFile(file, text)
  const { errors, own } = (await import(pathToFileURL(file).href)) as {
    readonly errors: readonly Error[]
    readonly own: boolean
  }
  expect(errors.map(({ name }) => name)).toEqual(['WaitGroupError', 'DuplicateTaskError'])
  expect(errors[0]?.stack).toMatch(/^WaitGroupError: m/)
  expect(own).toBe(true)
})
