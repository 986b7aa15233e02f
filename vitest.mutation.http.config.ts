import { mutationConfig } from './vitest.mutation.config.js'

/**
 * The tests of the routes and of the client: those without processes, browsers and compilers, and not those of the
 * example programs.
 */
export default mutationConfig({
  include: ['test/http/**/*.test.ts', 'test/client/*.test.ts'],
  exclude: [
    'test/client/browser.test.ts',
    'test/http/demo-parts.test.ts',
    'test/http/wire/frozen-intrinsics.test.ts', // loads modules in a test, so that what is static would count as covered by it alone
    'test/http/fuzz.test.ts',
    'test/http/go-duration.test.ts',
    'test/http/go-duration.model.test.ts',
    'test/http/go-routes.test.ts',
    'test/http/holding/memory.test.ts', // needs the garbage collector
    'test/http/intake/released-results.test.ts', // the same
    'test/http/processes.test.ts',
    'test/http/slow-and-gone.test.ts'
  ],
  slow: [
    'real-server',
    'core-lro',
    'eventsource',
    'storm',
    'idempotency',
    'key-memory',
    'lost-answer',
    'retries',
    'waiting-contract',
    'ticket-id.model',
    'idempotency-key.model',
    'header-fields.model',
    'json-object.model',
    'parsing.model',
    'contract'
  ]
})
