import { basename, dirname } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { alias } from './vitest.config.js'

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
 * Runs the tests of the mutated file first, then those of its folder, and the slow ones last: most mutants are killed at
 * once. And where a mutant is covered by so many tests that their names make no regular expression, all are run: else the
 * mutant would not be judged at all.
 */
const quickFirst = (slow: readonly string[]) =>
  class QuickFirst extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      for (const { config } of new Set(files.map(({ project }) => project)))
        if (config.testNamePattern !== undefined && isTooLarge(config.testNamePattern)) delete config.testNamePattern
      const [mutated = ''] = this.ctx.config.related ?? []
      const folder = basename(dirname(mutated))
      const ofFile = `/${folder}/${basename(mutated, '.ts')}.test.ts`
      const rank = ({ moduleId }: TestSpecification): number => {
        if (moduleId.endsWith(ofFile)) return -3
        const place = slow.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
        return place === -1 && basename(dirname(moduleId)) === folder ? -2 : place
      }
      return files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId))
    }
  }

/** The tests that a mutation run repeats for each mutant. */
export interface MutationTests {
  readonly include: string[]
  readonly exclude: string[]
  /** The files that take long, the longest last. */
  readonly slow: readonly string[]
  readonly env?: Record<string, string>
}

/** How a mutation run calls its tests, whatever is mutated. */
export const mutationConfig = ({ slow, ...tests }: MutationTests) =>
  defineConfig({
    resolve: { alias },
    test: {
      ...tests,
      setupFiles: ['test/setup.ts'],
      testTimeout: 20_000,
      sequence: { sequencer: quickFirst(slow) }
    }
  })

/** The tests of the core: those without processes, sockets, garbage collection and packages. */
export default mutationConfig({
  include: [
    'test/{scheduler,contract,waiting,task,tickets,running,pool,durable}/*.test.ts',
    'test/parts.model.test.ts',
    'test/simulation/simulation.test.ts'
  ],
  exclude: ['test/durable/kill-loop.test.ts'], // processes
  slow: [
    'journal',
    'failing-store',
    'retry',
    'rate-limit',
    'admission',
    'stop',
    'drain',
    'scheduler.model',
    'simulation'
  ],
  // Few schedules find most of what many find, and there are thousands of mutants.
  env: { SIM_SCHEDULES: '200' }
})
