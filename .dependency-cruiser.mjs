/**
 * What may import what, by folder. Imports go down only: a room may import the rooms before it in its list.
 */
const CORE = ['scheduler', 'ports', 'contract', 'waiting', 'task', 'tickets', 'durable', 'running', 'pool']
const HTTP = ['wire', 'tickets', 'holding', 'intake', 'resources']

/** In `folder`, each room may import itself, the rooms before it, and `besides`. */
const downOnly = (folder, rooms, besides = []) =>
  rooms.map((room, floor) => ({
    name: `${folder}${room}-imports-down`,
    severity: 'error',
    from: { path: `^${folder}${room}/` },
    to: { path: '^src/', pathNot: [...rooms.slice(0, floor + 1).map((below) => `^${folder}${below}/`), ...besides] }
  }))

/** What stands in `from` may import only what is listed, of this project and of others. */
const only = (name, from, to) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { pathNot: to }
})

export default {
  forbidden: [
    ...downOnly('src/', CORE),
    ...downOnly('src/http/', HTTP, ['^src/(contract|ports)/']),
    only('http-sees-contracts-and-ports', '^src/http/', ['^src/(http|contract|ports)/', '^(node:)?crypto$']),
    only('client-runs-in-browsers', '^src/client/', ['^src/(client|contract|ports)/']),
    only('adapters-see-the-public-part', '^src/adapters/', [
      '^src/(adapters/|http/index\\.ts|index\\.ts|contract/)',
      '^(node:)?stream(/promises)?$',
      '^(node:)?(events|http|net)$'
    ]),
    only('fetch-runs-anywhere', '^src/adapters/fetch/', [
      '^src/(adapters/fetch/|adapters/[^/]+$|http/index\\.ts|contract/)'
    ]),
    only('dashboard-sees-the-public-part', '^src/dashboard/', [
      '^src/(dashboard/|http/index\\.ts|contract/|ports/)',
      '^(node:)?crypto$'
    ]),
    only('a-store-sees-contracts-and-ports', '^src/stores/keyv/', [
      '^src/(stores/keyv|contract|ports)/',
      '^(node:)?crypto$'
    ]),
    only('stores-see-the-port', '^src/stores/sqlite/', [
      '^src/(stores/sqlite/|contract/|ports/)',
      '^(node:)?(fs|module|path|url|worker_threads)$'
    ]),
    ...downOnly('src/stores/sqlite/', ['file', 'thread'], ['^src/(contract|ports)/', '^src/stores/sqlite/errors.ts$']),
    only('telemetry-sees-contracts-and-ports', '^src/telemetry/', [
      '^src/(telemetry/|contract/|ports/)',
      '^(node:)?diagnostics_channel$',
      '@opentelemetry/api'
    ]),
    only('testing-sees-the-public-part-and-ports', '^src/testing/', [
      '^src/(testing/|index\\.ts|contract/|ports/)',
      '^(node:)?assert(/strict)?$'
    ]),
    only('threads-see-contracts-and-ports', '^src/threads/', [
      '^src/(threads|contract|ports)/',
      '^(node:)?(async_hooks|fs|module|path|url|worker_threads)$',
      'piscina'
    ]),
    only('the-scheduler-needs-nothing', '^src/scheduler/', ['^src/scheduler/']),
    {
      name: 'no-circle',
      comment: 'Also none of types: what refers to each other stands in one file.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true }
    },
    {
      name: 'one-runtime-dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypesNot: ['local', 'core'], pathNot: ['eventemitter3', '@opentelemetry/api', 'piscina'] }
    },
    {
      name: 'one-emitter',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/contract/events' },
      to: { path: 'eventemitter3' }
    },
    {
      name: 'one-place-for-telemetry',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/telemetry/' },
      to: { path: '@opentelemetry/api' }
    },
    {
      name: 'one-place-for-threads',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/threads/' },
      to: { path: 'piscina' }
    },
    {
      name: 'one-place-for-time',
      comment: 'Time and randomness come through the clock port.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(adapters/|ports/)' },
      to: { path: '^(node:)?(timers|timers/promises|perf_hooks)$' }
    },
    { name: 'found', severity: 'error', from: {}, to: { couldNotResolve: true } }
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] }
  }
}
