// Prints a fifth of the lines that a mutation run changes, for a run of an hour instead of several:
//   npx stryker run --mutate "$(node scripts/sample-lines.mjs)"
// The lines of all files are numbered one after the other, and of each 150 the first 30 are taken, or those from an offset
// on: the argument. The offsets 0, 30, 60, 90 and 120 together are all lines.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

const TAKEN = 30
const OF = 150

const offset = Number(process.argv[2] ?? 0)
const { mutate } = JSON.parse(readFileSync('stryker.config.json', 'utf8'))

/** `a{b,c}d` → `abd`, `acd` */
const alternatives = (pattern) => {
  const [, before, inner, after] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? []
  return inner === undefined ? [pattern] : inner.split(',').map((one) => before + one + after)
}

const filesOf = (pattern) => {
  const folder = dirname(pattern)
  return pattern.endsWith('/*.ts') ? readdirSync(folder).map((name) => `${folder}/${name}`) : [pattern]
}

const ranges = []
let before = 0
for (const file of mutate.flatMap(alternatives).flatMap(filesOf)) {
  const lines = readFileSync(file, 'utf8').split('\n').length
  for (let first = offset - OF * Math.ceil(before / OF); first < before + lines; first += OF) {
    const from = Math.max(first - before, 0) + 1
    const to = Math.min(first - before + TAKEN, lines)
    if (from <= to) ranges.push(`${file}:${from}-${to}`)
  }
  before += lines
}
console.log(ranges.join(','))
