import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { PROMISES } from './simulation/checks.js'

/** What may go wrong, by kind; each has at least one test whose title begins with it. */
const SCENARIOS = {
  admission: 'A1 A2 A3 A5 A6 A8 A9 A11 A12 A14 A15 A17 A18 A19 A20 A21',
  lifecycle: 'B1 B2 B3 B5 B6 B7 B8 B10 B11 B12 B13 B14 B15 B16 B17 B18',
  cancellation: 'C1 C2 C3 C4 C5 C6 C7 C9 C10 C12 C14 C15 C16 C17 C19 C21 C25',
  draining: 'D1 D2 D3 D4 D5 D7 D8 D11 D12 D13',
  hostility: 'E1 E2 E3 E6 E7 E8 E10 E11 E14 E19',
  events: 'F1 F2 F5 F6 F8',
  http: 'K1 K2 K3 K4 K5 K6 K7 K8 K9 K11 K13 K14 K15 K16 K19',
  memory: 'L1 L2 L4 L5 L6 L7 L10 L11'
} as const

const here = fileURLToPath(new URL('.', import.meta.url))

/** The titles of all tests, as they stand in the files. */
function* titles(): Generator<string> {
  for (const name of readdirSync(here, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.test.ts')) continue
    const file = ts.createSourceFile(name, readFileSync(join(here, name), 'utf8'), ts.ScriptTarget.Latest)
    yield* titlesIn(file)
  }
}

function* titlesIn(node: ts.Node): Generator<string> {
  if (ts.isCallExpression(node) && ['it', 'test', 'describe'].includes(rootOf(node.expression))) {
    const [first] = node.arguments
    if (first !== undefined && ts.isStringLiteralLike(first)) yield first.text
    if (first !== undefined && ts.isTemplateExpression(first)) yield first.head.text
  }
  for (const child of childrenOf(node)) yield* titlesIn(child)
}

function childrenOf(node: ts.Node): ts.Node[] {
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => void children.push(child))
  return children
}

/** The `it` of `it.each(table)(title)`. */
function rootOf(node: ts.Node): string {
  if (ts.isIdentifier(node)) return node.text
  return ts.isPropertyAccessExpression(node) || ts.isCallExpression(node) ? rootOf(node.expression) : ''
}

/** The ids that a title begins with. */
const idsOf = (title: string): string[] => /^(?:[A-L]\d+,? )+/.exec(title)?.[0].match(/[A-L]\d+/g) ?? []

const named = new Set([...titles()].flatMap(idsOf))

it.each(Object.entries(SCENARIOS))('there is a test for each scenario of %s', (_, ids) => {
  expect(ids.split(' ').filter((id) => !named.has(id))).toEqual([])
})

it('there is a test for each invariant, on its own or by the schedules of the simulation', () => {
  const invariants = Array.from({ length: 17 }, (_, i) => `I${i + 1}`)
  expect(invariants.filter((id) => !named.has(id) && !(id in PROMISES))).toEqual([])
  expect(invariants.filter((id) => !(id in PROMISES))).toEqual([])
})
