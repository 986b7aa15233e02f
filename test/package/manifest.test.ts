import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
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

describe('the address of the repository', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly repository: { readonly type: string; readonly url: string }
  }

  it('stands in one field, from which npm makes those of issues and home page', () => {
    expect(manifest.repository).toEqual({ type: 'git', url: expect.stringMatching(/^git\+https:\/\/.+\.git$/) })
    expect(manifest).not.toHaveProperty('bugs')
    expect(manifest).not.toHaveProperty('homepage')
  })

  it.each([
    ['git+https://repository.invalid/coatcheck.git', 1],
    ['', 1],
    ['git+https://git.example/coatcheck.git', 0]
  ])('%j: the exit code before a publication is %d', (url, code) => {
    const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'has-address.mjs')], {
      env: { npm_package_repository_url: url }
    })
    expect(status).toBe(code)
  })
})
