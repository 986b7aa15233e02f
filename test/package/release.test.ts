import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parser } from 'keep-a-changelog'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { root, run } from './run.js'

const read = (home: string, name: string): Promise<string> => readFile(join(home, name), 'utf8')

const versionOf = async (home: string, name: string): Promise<unknown> =>
  (JSON.parse(await read(home, name)) as { readonly version: unknown }).version

it('has one version, in the manifest, the lock file and the latest release of the changelog', async () => {
  const version = await versionOf(root, 'package.json')
  expect(await versionOf(root, 'package-lock.json')).toBe(version)
  const { releases } = parser(await read(root, 'CHANGELOG.md'))
  expect(releases.find(({ date }) => date !== undefined)?.version).toBe(version)
})

describe('npm run release', () => {
  let home: string

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'coatcheck-release-'))
    for (const name of ['package.json', 'package-lock.json', 'scripts']) {
      await cp(join(root, name), join(home, name), { recursive: true })
    }
    await symlink(join(root, 'node_modules'), join(home, 'node_modules'))
  })

  afterEach(() => rm(home, { recursive: true, force: true }))

  const release = (step: string): Promise<string> => run(process.execPath, ['scripts/release.mjs', step], home)

  it('dates what is unreleased, under the version that it sets, and leaves every other line as it is', async () => {
    const text = await read(root, 'CHANGELOG.md')
    const [head = '', latest = ''] = text.split(/^(?=## \d)/m)
    const change = '- A change,\n  over two lines.\n  - A part of it.\n'
    const unreleased = `${head.replace(/\n## Unreleased[\s\S]*/, '\n')}## Unreleased\n\n### Fixed\n\n${change}\n${latest}`
    await writeFile(join(home, 'CHANGELOG.md'), unreleased)
    await release('7.0.0')
    expect(await versionOf(home, 'package.json')).toBe('7.0.0')
    expect(await versionOf(home, 'package-lock.json')).toBe('7.0.0')
    const written = await read(home, 'CHANGELOG.md')
    expect(written).toMatch(/^## 7\.0\.0 - \d{4}-\d\d-\d\d$/m)
    expect(written.replace(/^## 7\.0\.0 - .*$/m, '## Unreleased')).toBe(unreleased)
  })

  it('changes nothing when nothing is unreleased', async () => {
    await writeFile(join(home, 'CHANGELOG.md'), '# Changes\n\nAll.\n\n## 0.2.0 - 2026-11-30\n\n### Added\n\n- It.\n')
    await expect(release('7.0.0')).rejects.toThrow('nothing under Unreleased')
    expect(await versionOf(home, 'package.json')).toBe(await versionOf(root, 'package.json'))
  })
})
