import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type Line, lineWriter, readLines } from './log.js'

it('reads each line, and none that a kill has cut off, with several processes writing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'log')
  const lines: readonly Line[] = [
    { what: 'called', id: 'one', attempt: 1, handler: 'once' },
    { what: 'acknowledged', id: 'one' },
    { what: 'ended', id: 'one', state: 'succeeded' }
  ]
  const writers = [lineWriter(path), lineWriter(path)]
  for (const [index, line] of lines.entries()) {
    writers[index % 2]?.(line)
    appendFileSync(path, `\n${JSON.stringify(line).slice(0, 5 + 8 * index)}`)
  }
  expect(readLines(path)).toEqual(lines)
})
