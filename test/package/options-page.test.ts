/** The page about options has each of them, and none that is not there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { root } from './run.js'

const membersOf = async (file: string, name: string): Promise<readonly string[]> => {
  const source = ts.createSourceFile(
    file,
    await readFile(join(root, 'src/contract', file), 'utf8'),
    ts.ScriptTarget.ES2022
  )
  const declared = source.statements.find((each) => ts.isInterfaceDeclaration(each) && each.name.text === name)
  if (declared === undefined || !ts.isInterfaceDeclaration(declared)) throw new Error(`${file} has no ${name}`)
  return declared.members.map((member) => (member.name as ts.Identifier).text)
}

let page: string

beforeAll(async () => {
  page = await readFile(join(root, 'docs/options.md'), 'utf8')
})

/** The first column of a section's tables. */
const rowsOf = (heading: string): readonly string[] => {
  const section = page.split('\n## ').find((each) => each.startsWith(heading)) ?? ''
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name)
}

describe('the page about options', () => {
  it.each([
    ['Of a pool', [['options.ts', 'WorkerPoolOptions']]],
    [
      'Of a task',
      [
        ['task-options.ts', 'TaskOptions'],
        ['task-options.ts', 'WaitOptions']
      ]
    ],
    ['Of a handler', [['task-contract.ts', 'HandlerOptions']]],
    ['Retries', [['retry-options.ts', 'RetryOptions']]]
  ] as const)('lists those under “%s”', async (heading, interfaces) => {
    const names = await Promise.all(interfaces.map(([file, name]) => membersOf(file, name)))
    expect([...rowsOf(heading)].sort()).toEqual(names.flat().sort())
  })

  it.each([
    ['start', 'StartOptions'],
    ['stop', 'StopOptions'],
    ['drain', 'DrainOptions'],
    ['pause', 'PauseOptions'],
    ['resize', 'ResizeOptions'],
    ['cancelAll', 'CancelAllOptions'],
    ['tasks', 'TasksQuery']
  ])('lists those of %s()', async (call, name) => {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${call}\` |`)) ?? ''
    const named = new Set([...row.matchAll(/`(\w+)`/g)].map(([, text]) => text))
    for (const option of await membersOf('call-options.ts', name)) expect(named).toContain(option)
  })
})
