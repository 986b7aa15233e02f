/** Which libraries are compared: pinned in the manifest. */
import { readFileSync } from 'node:fs'
import { libraries } from './libraries/libraries.mjs'

/** @type {{ version: string, devDependencies: Readonly<Record<string, string>> }} */
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

const packages = libraries.flatMap((library) => library.package ?? [])

/** @type {Readonly<Record<string, string>>} */
export const versions = {
  coatcheck: manifest.version,
  ...Object.fromEntries(packages.map((name) => [name, manifest.devDependencies[name] ?? 'unknown']))
}
