/**
 * Packs the library once per run, the way a publisher would: a copy of this tree, its own `prepack` build, `npm pack`.
 * The work tree is left alone, so no test depends on a `dist` somebody built earlier.
 */
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { root, run } from './run.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The packed library, a `.tgz`. */
    readonly tarball: string
  }
}

const notCopied = new Set(['.git', 'node_modules', 'dist', 'coverage', 'test'])

export default async function pack(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'coatcheck-pack-'))
  const checkout = join(folder, 'checkout')
  await mkdir(checkout)
  for (const name of await readdir(root)) {
    if (!notCopied.has(name)) await cp(join(root, name), join(checkout, name), { recursive: true })
  }
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  await run('npm', ['pack', '--pack-destination', folder], checkout)
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack wrote no tarball.')
  project.provide('tarball', join(folder, tarball))
  return () => rm(folder, { recursive: true, force: true })
}
