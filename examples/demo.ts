/**
 * `npm run demo` shows the whole pattern in about fifteen seconds, on a free loopback port: a burst beyond the bounds,
 * refusals, cancels, progress and a stop under load. At the end it checks that the counters agree.
 *
 * `npm run demo -- --serve` keeps the server up, with a page at `/dashboard` that shows the pool, and prints commands to
 * try. `--port N` sets the port; `--delay-ms N`, `--grace-ms N` and `--force-ms N` set the times of its stop. Exit code: 0
 * when all checks hold, 1 when one does not, 2 when an argument is wrong.
 */
import { dashboard } from 'coatcheck/dashboard'
import { screenOf } from './demo/screen.js'
import { readArguments, serve, UsageError } from './demo/serve.js'
import { show } from './demo/show.js'

try {
  const { switches, ...options } = readArguments(process.argv.slice(2), ['serve'])
  if (switches.has('serve')) {
    const url = await serve((app, stop) => dashboard(app.pool, app, { authorize: 'loopback', stop }), options)
    console.log(`\nwatch it in a browser: ${url}/dashboard`)
  } else if (!(await show(screenOf(process.stdout, process.env)))) {
    console.error('\n  The counters do not add up: see the lines above.')
    process.exitCode = 1
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(
    `${error.message}\n\nusage: npm run demo -- [--serve] [--port N] [--grace-ms N] [--force-ms N] [--delay-ms N]`
  )
  process.exitCode = 2
}
