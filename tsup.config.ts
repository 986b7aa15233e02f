import { defineConfig } from 'tsup'

// The declarations of the package. Its scripts are built by `rollup.config.mjs`.
export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'http/index': 'src/http/index.ts',
    'client/index': 'src/client/index.ts',
    'adapters/node-http/index': 'src/adapters/node-http/index.ts',
    'adapters/express/index': 'src/adapters/express/index.ts',
    'adapters/fastify/index': 'src/adapters/fastify/index.ts',
    'adapters/fetch/index': 'src/adapters/fetch/index.ts',
    'dashboard/index': 'src/dashboard/index.ts',
    'stores/keyv/index': 'src/stores/keyv/index.ts',
    'stores/sqlite/index': 'src/stores/sqlite/index.ts',
    'stores/sqlite/thread': 'src/stores/sqlite/thread/thread.ts',
    'telemetry/index': 'src/telemetry/index.ts',
    'testing/index': 'src/testing/index.ts',
    'threads/index': 'src/threads/index.ts'
  },
  format: ['esm', 'cjs'],
  // tsup still sets `baseUrl` for the declaration build, which TypeScript 6 calls deprecated.
  dts: { only: true, compilerOptions: { ignoreDeprecations: '6.0' } }
})
