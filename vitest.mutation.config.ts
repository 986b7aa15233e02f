import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** The tests that a mutation run repeats for each mutant: those without processes, sockets, garbage collection and packages. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^coatcheck$/, replacement: path('src/index.ts') },
      { find: /^coatcheck\/http$/, replacement: path('src/http/index.ts') },
      { find: /^coatcheck\/client$/, replacement: path('src/client/index.ts') }
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
    // Less than the time limit of a mutant: a test that hangs fails, and the runner need not be started anew.
    testTimeout: 10_000
  }
})
