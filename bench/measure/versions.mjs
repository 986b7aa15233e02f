/** Which libraries are compared: pinned in the manifest. */
import { readFileSync } from 'node:fs'

const PEERS = ['fastq', 'async', 'p-limit', 'p-queue', 'bottleneck', 'piscina', 'autocannon']

/** @type {{ version: string, devDependencies: Readonly<Record<string, string>> }} */
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** @type {Readonly<Record<string, string>>} */
export const versions = {
  coatcheck: manifest.version,
  ...Object.fromEntries(PEERS.map((name) => [name, manifest.devDependencies[name] ?? 'unknown']))
}
