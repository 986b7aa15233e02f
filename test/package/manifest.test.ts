import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { root } from './run.js'

it('depends on the emitter only, pinned', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(manifest).toHaveProperty('dependencies', { eventemitter3: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
  expect(manifest).not.toHaveProperty('optionalDependencies')
})

it('has nothing but re-exports in its entry points', () => {
  const entries = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /(^|\/)index\.ts$/.test(name))
    .map((name) => join(root, 'src', name))
  expect(entries.length).toBeGreaterThanOrEqual(3)
  for (const entry of entries) {
    const { statements } = ts.createSourceFile(entry, readFileSync(entry, 'utf8'), ts.ScriptTarget.ES2022)
    expect(
      statements.every((node) => ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined),
      entry
    ).toBe(true)
  }
})
