/** What a page says that its programs print, they print. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programsOf } from '../package/programs.js'
import { root, run } from '../package/run.js'

interface Program {
  readonly title: string
  readonly code: string
  readonly promised: readonly string[]
}

/** The lines a program says it prints: each `console.log` has its line in a comment. */
const promisedBy = (code: string): readonly string[] =>
  code
    .split('\n')
    .filter((line) => line.includes('console.log('))
    .map((line) => /\) \/\/ (.+)$/.exec(line)?.[1] ?? `a line without its comment: ${line}`)

const programs: Program[] = []
for (const page of (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'))) {
  for (const [index, code] of programsOf(await readFile(join(root, 'docs', page), 'utf8')).entries()) {
    const promised = promisedBy(code)
    if (promised.length > 0) programs.push({ title: `docs/${page}, program ${index + 1}`, code, promised })
  }
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coatcheck-programs-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the programs of the pages', () => {
  it('are there', () => {
    expect(programs.length).toBeGreaterThanOrEqual(10)
  })

  it.each(programs)('$title prints what the page says, and ends by itself', async ({ title, code, promised }) => {
    const file = join(folder, `${title.replaceAll(/\W+/g, '-')}.mts`)
    await writeFile(file, code)
    const config = join(root, 'tsconfig.json') // by which the name of the package means the source
    const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs')
    const printed = await run(process.execPath, [tsx, '--tsconfig', config, file], root)
    expect(printed.trimEnd().split('\n')).toEqual(promised)
  })
})
