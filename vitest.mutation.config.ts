import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** The test files that take long. */
const SLOW = ['retry', 'rate-limit', 'admission', 'stop', 'drain', 'scheduler.model', 'simulation']

/** Whether a pattern of very many test names is more than a regular expression may be. */
function isTooLarge(pattern: RegExp): boolean {
  try {
    pattern.test('')
    return false
  } catch {
    return true
  }
}

/**
 * Runs the quick files first: most mutants have been killed before the slow ones come. And where a mutant is covered by
 * so many tests that their names make no regular expression, all are run: else the mutant would not be judged at all.
 */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    for (const { config } of new Set(files.map(({ project }) => project)))
      if (config.testNamePattern !== undefined && isTooLarge(config.testNamePattern)) delete config.testNamePattern
    const rank = ({ moduleId }: TestSpecification): number =>
      SLOW.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
    return files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId))
  }
}

/** The tests that a mutation run repeats for each mutant: those without processes, sockets, garbage collection and packages. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^coatcheck$/, replacement: path('src/index.ts') },
      { find: /^coatcheck\/http$/, replacement: path('src/http/index.ts') }
    ]
  },
  test: {
    include: ['test/scheduler/*.test.ts', 'test/*.test.ts', 'test/simulation/simulation.test.ts'],
    exclude: [
      'test/memory.test.ts',
      'test/process.test.ts',
      'test/readme-server.test.ts',
      'test/system-clock.test.ts',
      'test/stress.test.ts',
      'test/list.test.ts'
    ],
    setupFiles: ['test/setup.ts'],
    // Few schedules find most of what many find, and there are thousands of mutants.
    env: { SIM_SCHEDULES: '200' },
    testTimeout: 20_000,
    sequence: { sequencer: QuickFirst }
  }
})
