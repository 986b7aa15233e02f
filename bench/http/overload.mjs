/** Memory over time of services that are asked for more than they can do, each for some seconds. */
import autocannon from 'autocannon'
import { POST, remote } from './remote.mjs'
import { ALSO_UNBOUNDED, BOUNDED, UNBOUNDED } from './services.mjs'
import { growthOf } from './watch.mjs'

const CHILD = new URL('service.child.mjs', import.meta.url)

/** Five times what the service can do. */
const RATE = 1_000

/** No machine is to be harmed. */
export const MOST_MEGABYTES = 1_500

/** @typedef {{ dist: string, seconds: number }} Wanted */

/** @type {(wanted: Wanted) => Promise<import('../results.js').Overload[]>} */
export const overload = async (wanted) => [
  await once(wanted, UNBOUNDED, RATE),
  await once(wanted, ALSO_UNBOUNDED, RATE),
  await once(wanted, BOUNDED, RATE),
  await once(wanted, BOUNDED, null)
]

/** @type {(wanted: Wanted, service: string, asked: number | null) => Promise<import('../results.js').Overload>} */
const once = async ({ dist, seconds }, service, asked) => {
  const { ready, ask, end } = await remote(CHILD, { dist, service, mostMegabytes: MOST_MEGABYTES })
  const rate = asked === null ? {} : { overallRate: asked }
  await autocannon({ url: `http://127.0.0.1:${ready.port}`, connections: 50, duration: seconds, ...rate, ...POST })
  const { samples, ...told } = await ask()
  end()
  return { service, asked, ...told, ...growthOf(samples), samples }
}
