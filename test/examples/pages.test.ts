/** The programs of the README and the pages run: each ends well, serves, or prints what the page says that it prints. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { printPort } from '../package/print-port.js'
import { blocksOf, nameOf, programsOf } from '../package/programs.js'
import { root } from '../package/run.js'

const REDIS = 'needs a server of Redis: test/stores/keyv/servers.test.ts runs the same'

/** What is not run here, and why. */
const elsewhere: Readonly<Record<string, string>> = {
  'README.md, program 1': 'test/readme-server.test.ts',
  'README.md, program 2': 'test/readme-server.test.ts',
  'docs/frameworks.md, program 1': 'test/package/frameworks.test.ts',
  'docs/frameworks.md, program 2': 'test/package/frameworks.test.ts',
  'docs/frameworks.md, program 3': 'test/package/frameworks.test.ts',
  'docs/frameworks.md, program 4': 'test/package/frameworks.test.ts',
  'docs/frameworks.md, program 5': 'test/package/frameworks.test.ts',
  'docs/more-than-one-process.md, program 1': REDIS
}

const pages = [
  'README.md',
  ...(await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
]

const read = (page: string): Promise<string> => readFile(join(root, page), 'utf8')

interface Program {
  readonly title: string
  readonly code: string
}

const all: Program[] = []
for (const page of pages) {
  for (const [index, code] of programsOf(await read(page)).entries()) {
    all.push({ title: `${page}, program ${index + 1}`, code })
  }
}

/** The lines a program says it prints: each `console.log` has its line in a comment. */
const promisedBy = (code: string): readonly string[] =>
  code
    .split('\n')
    .filter((line) => line.includes('console.log('))
    .map((line) => /\) \/\/ (.+)$/.exec(line)?.[1] ?? `a line without its comment: ${line}`)

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(root, 'test', '.pages-'))
  await writeFile(join(folder, 'print-port.mjs'), printPort)
  for (const { code } of all) {
    const name = nameOf(code)
    if (name !== undefined) await writeFile(join(folder, name), code)
  }
  const compilerOptions = { experimentalDecorators: true } // of Nest
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['*.mts'] })
  )
  // The file that a test of the page about CPU work has its thread load.
  await writeFile(join(folder, 'count-words.mjs'), "export const countWords = (text) => text.split(' ').length\n")
})

afterAll(() => rm(folder, { recursive: true, force: true }))

interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly string[]
  readonly errors: string
  /** The status of its liveness, if it serves. */
  readonly livez: number | undefined
}

/** Runs a program to its end; one that serves is asked whether it lives, and then ended by SIGTERM. */
const play = async (args: readonly string[]): Promise<Run> => {
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(folder, 'tsconfig.json') }
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const errors = text(child.stderr)
  const lines: string[] = []
  let livez: number | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const [, port] = /^port (\d+)$/.exec(line) ?? []
    if (port === undefined) lines.push(line)
    else {
      livez = (await fetch(`http://127.0.0.1:${port}/livez`)).status
      child.kill('SIGTERM')
    }
  }
  const [code, signal] = await ended
  return { code, signal, lines, errors: await errors, livez }
}

describe('the programs of the pages', () => {
  it('are there, and so are those that run elsewhere', () => {
    expect(all.length).toBeGreaterThanOrEqual(40)
    expect(all.map(({ title }) => title)).toEqual(expect.arrayContaining(Object.keys(elsewhere)))
  })

  const here = all.filter(({ title }) => !(title in elsewhere))

  it.concurrent.each(here)('$title ends well, and prints what the page says', async ({ title, code }) => {
    const ofVitest = code.includes("from 'vitest'")
    const file = join(folder, `${title.replaceAll(/\W+/g, '-')}${ofVitest ? '.test.ts' : '.mts'}`)
    await writeFile(file, code.replace('./count-words.js', './count-words.mjs'))
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const { livez, lines, errors, ...end } = await play(
      ofVitest
        ? [vitest, 'run', '--root', root, '--project', 'unit', file]
        : ['--import', 'tsx', '--import', './print-port.mjs', file]
    )
    // A server without `listenUntilSignal` is ended by the signal.
    const ends = livez !== undefined && !code.includes('listenUntilSignal') ? [null, 'SIGTERM'] : [0, null]
    expect([end.code, end.signal], `${lines.join('\n')}\n${errors}`).toEqual(ends)
    if (livez !== undefined) expect(livez).toBe(200)
    const promised = promisedBy(code)
    if (promised.length > 0 && title !== 'README.md, program 3') expect(lines).toEqual(promised)
  })
})

describe('the data in the pages', () => {
  it('is JSON and YAML', async () => {
    for (const page of pages) {
      const content = await read(page)
      for (const block of blocksOf(content, 'json')) expect(() => JSON.parse(block), page).not.toThrow()
      for (const block of blocksOf(content, 'yaml')) {
        expect(
          parseAllDocuments(block).flatMap(({ errors }) => errors),
          page
        ).toEqual([])
      }
    }
  })
})
