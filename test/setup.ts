/**
 * Runs in every test process. A warning that Node prints (a leaked listener, a deprecation) fails the test in which it
 * appears. Unhandled rejections and uncaught exceptions fail the run already: that is vitest's own rule.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach } from 'vitest'

const warnings: Error[] = []

/** Of Node 22 itself, when its SQLite is loaded. */
const isOfSqlite = ({ name, message }: Error): boolean => name === 'ExperimentalWarning' && message.startsWith('SQLite')

process.on('warning', (warning) => {
  if (!isOfSqlite(warning)) warnings.push(warning)
})

const failOnWarnings = async (): Promise<void> => {
  // Node emits warnings on a later tick; one turn of the loop lets the last ones arrive.
  await nextTurn()
  const seen = warnings.splice(0)
  if (seen.length > 0) {
    throw new AggregateError(seen, `No warning may be printed, but ${seen.length} came: ${seen.map(String).join('; ')}`)
  }
}

afterEach(failOnWarnings)
afterAll(failOnWarnings)
