import sinon from '@sinonjs/fake-timers'
import { mock } from 'node:test'
import { scenarios } from './scenarios.js'
let clock: any
const turn = setImmediate
const log = (process as any)._rawDebug
const s = (toFake?: any) => ({ install() { clock = sinon.install(toFake ? { toFake } : {}) }, uninstall() { clock.uninstall() }, advance: async (ms: number) => { await clock.tickAsync(ms) } })
const nodeTest = { install: () => mock.timers.enable({ apis: ['setTimeout'] }), uninstall: () => mock.timers.reset(),
  advance: async (ms: number) => { for (let left = ms; left > 0; left -= 50) { mock.timers.tick(Math.min(left, 50)); await new Promise((resolve) => turn(resolve)) } } }
for (const [n, timers] of Object.entries(process.argv[3] ? { nodeTest } : { all: s(), only: s(['setTimeout', 'clearTimeout']), noperf: s(['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date']), noimm: s(['setTimeout', 'clearTimeout', 'performance', 'Date']), nodeTest }))
for (const [t, s] of scenarios) { if (process.argv[2] && !t.includes(process.argv[2])) continue
 const r = await Promise.race([s(timers).then(() => 'ok', (e) => String(e.stack).slice(0,400)), new Promise((r) => { let n=0; const f = () => ++n > 200000 ? r('HANG') : turn(f); f() })]); if (r !== 'ok') log(n, t, r) }
log('end')
