/** What is in the repository works anywhere: it names no package registry and no folder of the machine it was made on. */
import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { root, run } from './run.js'

/** Not in the repository: what `.gitignore` lists, and git itself. */
const ignored = new Set(['.git', 'dist', 'coverage', 'docs/api'])

const textFiles = async (folder: string): Promise<readonly string[]> => {
  const found: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name === 'node_modules' || ignored.has(relative(root, path))) continue
    if (entry.isDirectory()) found.push(...(await textFiles(path)))
    else if (entry.isFile() && !/\.(png|ico|woff2?|tgz)$/.test(entry.name)) found.push(path)
  }
  return found
}

const escaped = (text: string): string => text.replaceAll(/[^\w/]/g, '\\$&')

it('names no registry host and no path of a machine', async () => {
  const configured = (await run('npm', ['config', 'get', 'registry'], root)).trim()
  const hosts = [
    ['registry', 'npmjs', 'org'],
    ['registry', 'yarnpkg', 'com'],
    ['npm', 'pkg', 'github', 'com']
  ].map((labels) => labels.join('.'))
  if (URL.canParse(configured)) hosts.push(new URL(configured).host)
  const folders = [root, homedir()].map((path) => path.replace(/\/$/, '')).filter((path) => /^\/[^/]+\//.test(path))
  const forbidden = new RegExp(
    [...hosts, ...folders].map(escaped).concat('(?<![\\w.:/-])/(?:work|home|root|Users)/[\\w.-]+').join('|')
  )
  const guilty: string[] = []
  for (const path of await textFiles(root)) {
    for (const [index, line] of (await readFile(path, 'utf8')).split('\n').entries()) {
      const found = forbidden.exec(line)
      if (found !== null) guilty.push(`${relative(root, path)}:${index + 1} ${found[0]}`)
    }
  }
  expect(guilty).toEqual([])
})

it('locks packages by their content, not by the address they came from', async () => {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly integrity?: string; readonly resolved?: string }>>
  }
  const packages = Object.entries(lock.packages).filter(([name]) => name !== '')
  expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  expect(packages.filter(([, { integrity }]) => integrity === undefined)).toEqual([])
})
