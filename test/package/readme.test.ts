/** The README and the other pages are read by people who then type what they read: it must be so. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { nameOf, programsOf } from './programs.js'
import { compile, filesBelow, lendDevDependencies, project } from './project.js'
import { root } from './run.js'

const read = (name: string): Promise<string> => readFile(join(root, name), 'utf8')

const pagesIn = async (folder: string): Promise<readonly string[]> => {
  const names = await readdir(join(root, folder)).catch(() => [])
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name))
}

const pages = [...(await pagesIn('.')), ...(await pagesIn('docs')), ...(await pagesIn('docs/decisions'))]

describe('the README', () => {
  it('gives the two commands literally', async () => {
    const text = await read('README.md')
    expect(text).toContain('npm ci && npm run demo')
    expect(text).toContain('npm ci && npm test')
  })

  it('is no longer than people read', async () => {
    expect((await read('README.md')).split('\n').length).toBeLessThanOrEqual(301)
  })
})

describe('every page', () => {
  it('names only npm scripts that exist', async () => {
    const manifest = JSON.parse(await read('package.json')) as { readonly scripts: Readonly<Record<string, string>> }
    const unknown: string[] = []
    for (const page of pages) {
      for (const [, name = ''] of (await read(page)).matchAll(/npm run ([\w:-]+)/g)) {
        if (!(name in manifest.scripts)) unknown.push(`${page}: npm run ${name}`)
      }
    }
    expect(unknown).toEqual([])
  })
})

describe('TypeScript in the documentation', () => {
  let folder: string
  let home: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coatcheck-pages-'))
    home = await project(folder, 'pages', 'module', inject('tarball'))
    await lendDevDependencies(home)
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  const write = async (origin: string, programs: readonly string[]): Promise<void> => {
    for (const [index, program] of programs.entries()) {
      const name = nameOf(program) ?? `${origin.replaceAll(/\W/g, '-')}-${index + 1}.ts`
      await writeFile(join(home, name), program)
    }
  }

  const asTyped = {
    ...{ noUnusedLocals: false, noUnusedParameters: false },
    ...{ experimentalDecorators: true, erasableSyntaxOnly: false } // of Nest
  }

  it('compiles against the packed library, on every page', async () => {
    const named: string[] = []
    for (const page of pages) {
      const programs = programsOf(await read(page))
      await write(`page-${page}`, programs)
      named.push(...programs.flatMap((program) => nameOf(program) ?? []))
    }
    await compile(home, ['page-*.ts', ...named], asTyped)
  })

  it('compiles against the packed library, in every @example that names its imports', async () => {
    for (const file of await filesBelow(join(root, 'src'))) {
      const comments = [...(await read(join('src', file))).matchAll(/\/\*\*[\s\S]*?\*\//g)].map(([comment]) => comment)
      const text = comments.join('\n').replaceAll(/^[ \t]*\* ?/gm, '')
      await write(
        `example-${file}`,
        programsOf(text).filter((program) => program.startsWith('import '))
      )
    }
    await compile(home, ['example-*.ts'], asTyped)
  })
})
