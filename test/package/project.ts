import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { root, run } from './run.js'

/** A new project in `folder` with the tarball installed in it, as its user would do. Answers its path. */
export const project = async (
  folder: string,
  name: string,
  type: 'module' | 'commonjs',
  tarball: string
): Promise<string> => {
  const home = join(folder, name)
  await mkdir(home)
  await writeFile(join(home, 'package.json'), JSON.stringify({ name, version: '1.0.0', private: true, type }))
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], home)
  return home
}

/** Lets a project see our development dependencies (express, types, compilers) beside the library it has installed. */
export const lendDevDependencies = async (home: string): Promise<void> => {
  const present = new Set(await readdir(join(home, 'node_modules')))
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (!present.has(name)) await symlink(join(root, 'node_modules', name), join(home, 'node_modules', name))
  }
}

/** Checks TypeScript files in a project that has the library, by our own strict rules. Rejects with what is wrong. */
export const compile = async (home: string, include: readonly string[], options: object = {}): Promise<void> => {
  const config = join(home, 'tsconfig.compile.json')
  // Without `paths` the name `coatcheck` means the installed package.
  const compilerOptions = { paths: {}, types: ['node'], ...options }
  await writeFile(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include, exclude: [] })
  )
  await run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', config], home)
}

/** Every file below a folder, as sorted relative paths. */
export const filesBelow = async (top: string): Promise<readonly string[]> => {
  const entries = await readdir(top, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(top, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
}
