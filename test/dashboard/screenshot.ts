/**
 * Makes docs/dashboard.png: `node --import tsx test/dashboard/screenshot.ts`, or with another file as its argument. Time
 * stands still in it, so that only another page, browser or font makes another picture.
 */
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { ManualClock } from '../support/manual-clock.js'
import { chromiumPath, launchOptions, queueWork, served } from './support.js'

const file = process.argv[2] ?? fileURLToPath(new URL('../../docs/dashboard.png', import.meta.url))
if (chromiumPath === undefined) throw new Error('no Chromium found; its path may be given in CHROMIUM')

const clock = new ManualClock()
const { url, app, gates, close } = await served({ pool: { concurrency: 4, clock }, clock })
app.pool.on('failed', () => {})

const browser = await chromium.launch(launchOptions)
const page = await browser.newPage({
  ...{ viewport: { width: 1040, height: 600 }, colorScheme: 'light', locale: 'en-GB', timezoneId: 'UTC' }
})
await page.goto(`${url}/dashboard`)
await page.locator('#condition-name').getByText('healthy').waitFor()

// A minute of work behind it, in waves.
for (let second = 0; second < 60; second++) {
  const count = Math.round(4 + 3 * Math.sin(second / 5))
  for (let n = 0; n < count; n++) {
    const label = `thumbnail ${second}.${n}`
    await queueWork(url, label)
    await clock.advance(20 + 10 * n)
    if (second === 40 && n === 0)
      gates.fail(label, Object.assign(new Error('no paper left in tray 2'), { code: 'EPAPER' }))
    else gates.end(label)
    await clock.turn()
  }
  await clock.advance(1_000 - count * 20 - 5 * count * (count - 1))
}

const labels = [
  'annual report',
  'newsletter',
  '<b>poster</b>',
  'index of all pages',
  'invoice 7',
  'invoice 8',
  'invoice 9'
]
for (const label of labels) await queueWork(url, label)
await clock.turn()
for (const [index, label] of labels.slice(0, 3).entries()) {
  gates.gate(label).progress(0.82 - 0.27 * index, `page ${9 - 3 * index} of 11`)
}
await clock.advance(2_000)
await page.getByText('82 % · page 9 of 11').waitFor()
await page.locator('#oldest').getByText('oldest 2.0 s').waitFor()
await page.screenshot({ path: file, fullPage: true })

await browser.close()
await close()
const stopped = app.pool.stop({ graceMs: 0 })
await clock.turn()
await stopped
