// Prints a fifth of the lines that a mutation run changes, for a run of an hour instead of several:
//   npx stryker run --mutate "$(node scripts/sample-lines.mjs)"
// The lines of all files are numbered one after the other, and of each 150 the first 30 are taken, or those from an offset
// on: 0, 30, 60, 90 and 120 together are all lines. The arguments are a configuration of Stryker and that offset.
import { readdirSync, readFileSync } from 'node:fs'

const TAKEN = 30
const OF = 150

const [, , config = 'stryker.config.json', offset = '0'] = process.argv
const { mutate } = JSON.parse(readFileSync(config, 'utf8'))

/**
 * `a{b,c}d` → `abd`, `acd`
 * @param {string} pattern
 */
const alternatives = (pattern) => {
  const [, before, inner, after] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? []
  return inner === undefined ? [pattern] : inner.split(',').map((one) => before + one + after)
}

/**
 * The files of a pattern, which is a file, all `*.ts` of a folder, or all below it.
 * @param {string} pattern
 */
const filesOf = (pattern) => {
  if (!pattern.endsWith('/*.ts')) return [pattern]
  const recursive = pattern.endsWith('/**/*.ts')
  const folder = pattern.slice(0, recursive ? -'/**/*.ts'.length : -'/*.ts'.length)
  const names = readdirSync(folder, { recursive, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  return names.sort().map((name) => `${folder}/${name}`)
}

const ranges = []
let before = 0
for (const file of mutate.flatMap(alternatives).flatMap(filesOf)) {
  const lines = readFileSync(file, 'utf8').split('\n').length
  for (let first = Number(offset) - OF * Math.ceil(before / OF); first < before + lines; first += OF) {
    const from = Math.max(first - before, 0) + 1
    const to = Math.min(first - before + TAKEN, lines)
    if (from <= to) ranges.push(`${file}:${from}-${to}`)
  }
  before += lines
}
console.log(ranges.join(','))
