/**
 * `npm run demo` shows the whole of it in about fifteen seconds, on a free port of this machine: a burst beyond the
 * bounds, refusals, cancels, progress, a stop under load, and at the end the books.
 *
 * `npm run demo -- --serve` keeps the server up, with a page to watch it at `/dashboard`, and prints lines to
 * try; `--port N` chooses its port, `--grace-ms N` and `--force-ms N` how it stops. Ends with 0 when everything was well, 1
 * when not, 2 when the command line was wrong.
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
    console.error('\n  The books do not balance: see the lines above.')
    process.exitCode = 1
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(
    `${error.message}\n\nusage: npm run demo -- [--serve] [--port N] [--grace-ms N] [--force-ms N] [--delay-ms N]`
  )
  process.exitCode = 2
}
