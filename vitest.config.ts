import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Tests that need the packed library. Only a run that includes one of them builds and packs it. */
const packed = [
  'bundlers',
  'compilers',
  'fake-timers',
  'frameworks',
  'readme',
  'tarball',
  'threads',
  'tree-shaking'
].map((name) => `test/package/${name}.test.ts`)

/** Tests and examples import the package by its name; here the name means the source, so no build is needed first. */
export const alias = [
  { find: /^coatcheck$/, replacement: path('src/index.ts') },
  {
    find: /^coatcheck\/(http|client|bullmq|dashboard|stores\/(?:keyv|sqlite)|telemetry|testing|threads)$/,
    replacement: path('src/$1/index.ts')
  },
  { find: /^coatcheck\/(node-http|express|fastify|fetch)$/, replacement: path('src/adapters/$1/index.ts') }
]

export default defineConfig({
  resolve: { alias },
  test: {
    pool: 'forks',
    maxWorkers: '100%', // the default leaves one core idle, of two that is half the machine
    // Only what hangs runs into it: the machine may be busy with something else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 120_000 } },
    // Leak tests call `global.gc`.
    execArgv: ['--expose-gc'],
    setupFiles: ['test/setup.ts'],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // They run in threads, which this measurement does not see.
      exclude: ['src/stores/sqlite/thread/thread.ts', 'src/threads/thread/thread.ts'],
      reporter: ['text', 'html', 'json-summary'],
      thresholds: { statements: 98, branches: 98, functions: 98, lines: 98 }
    },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: packed }
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: packed,
          globalSetup: ['test/package/pack.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000
        }
      }
    ]
  }
})
