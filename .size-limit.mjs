/** The most that an entry point may weigh, minified and compressed, with what it imports of this package. */
const limits = {
  index: '35 kB',
  'http/index': '16 kB',
  'client/index': '6.5 kB',
  'adapters/node-http/index': '4.6 kB',
  'adapters/express/index': '3.5 kB',
  'adapters/fastify/index': '4.2 kB',
  'adapters/fetch/index': '2 kB',
  'dashboard/index': '15 kB',
  'stores/keyv/index': '5 kB',
  'stores/sqlite/index': '9 kB',
  'telemetry/index': '4 kB',
  'testing/index': '9 kB',
  'threads/index': '5.5 kB'
}

export default Object.entries(limits).map(([entry, limit]) => ({
  name: entry,
  path: `dist/${entry}.js`,
  limit,
  modifyEsbuildConfig: (config) => ({ ...config, platform: 'node', format: 'esm' })
}))
