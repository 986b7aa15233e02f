import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { threadFile } from '../../src/threads/thread-file.js'

let folder: string
let installed: string

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'coatcheck-thread-file-')))
  const home = join(folder, 'node_modules', 'coatcheck')
  installed = join(home, 'dist', 'threads')
  await mkdir(installed, { recursive: true })
  await writeFile(join(home, 'package.json'), JSON.stringify({ exports: { './threads': './dist/threads/index.cjs' } }))
  for (const name of ['index.js', 'index.cjs', 'thread.cjs']) await writeFile(join(installed, name), '')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the file of the thread', () => {
  it('lies beside that of the package', () => {
    for (const name of ['index.js', 'index.cjs'])
      expect(threadFile(pathToFileURL(join(installed, name)).href)).toBe(join(installed, 'thread.cjs'))
  })

  it('is that of the installed package for a bundle', () => {
    expect(threadFile(pathToFileURL(join(folder, 'dist', 'bundle.js')).href)).toBe(join(installed, 'thread.cjs'))
  })

  it('is found from the program if a bundle does not know its own URL', () => {
    const { argv } = process
    process.argv = ['node', join(folder, 'bundle.cjs')]
    try {
      expect(threadFile(undefined)).toBe(join(installed, 'thread.cjs'))
    } finally {
      process.argv = argv
    }
  })
})
