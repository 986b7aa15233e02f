import { defineConfig } from 'tsup'

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
    'testing/index': 'src/testing/index.ts'
  },
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  // The package ships `src`, so the maps point there instead of carrying a second copy.
  esbuildOptions: (options) => {
    options.sourcesContent = false
  },
  // One copy of what the entry points share. For CommonJS, tsup leaves the work to Rollup when it also shakes the tree; without
  // that it rewrites chunks by a tool that drops class fields and leaves a path of this machine in the source maps.
  splitting: true,
  treeshake: true,
  clean: true,
  // tsup drops the `node:` prefix unless told not to, and some built-in modules exist only with it.
  removeNodeProtocol: false,
  // tsup still sets `baseUrl` for the declaration build, which TypeScript 6 calls deprecated.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } }
})
