/** The dashboard in a real Chromium. Where there is none, these tests are skipped. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { chromiumPath, handIn, launchOptions, type Served, served } from './support.js'

interface Opened extends Served {
  readonly page: Page
  /** What was written to its console, and what went wrong in it. */
  readonly complaints: string[]
}

describe.skipIf(chromiumPath === undefined)('the dashboard in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await chromium.launch(launchOptions)
  })

  afterAll(() => browser?.close())

  /** An open page; nothing may have been written to its console when the test ends. */
  const open = async (options: BrowserContextOptions = {}): Promise<Opened> => {
    const server = await served()
    const page = await browser.newPage(options)
    page.setDefaultTimeout(0)
    const complaints: string[] = []
    page.on('console', (message) => void complaints.push(message.text()))
    page.on('pageerror', (error) => void complaints.push(String(error)))
    page.on('dialog', (dialog) => void complaints.push(`dialog: ${dialog.message()}`))
    onTestFinished(async () => {
      await page.close()
      await server.close()
      expect(complaints).toEqual([])
    })
    await page.goto(`${server.url}/dashboard`)
    await page.locator('#state').getByText('running').waitFor()
    return { ...server, page, complaints }
  }

  const rowOf = (page: Page, table: string, label: string) =>
    page.getByRole('table', { name: table }).getByRole('row').filter({ hasText: label })

  const gone = (page: Page, label: string) =>
    page.getByRole('rowheader', { name: label }).waitFor({ state: 'detached' })

  it('shows tasks as they come, wait, run and end, against the bounds', async () => {
    const { page, url, gates } = await open()
    for (const label of ['annual report', 'letter', 'poster']) await handIn(url, label)
    await rowOf(page, 'Running tasks', 'annual report').waitFor()
    await rowOf(page, 'In the queue, newest first', 'poster').getByText('about number 1').waitFor()
    await page.locator('#running').getByText('2 of 2').waitFor()
    await page.locator('#queued').getByText('1 of 100').waitFor()

    gates.gate('annual report').progress(0.42, 'page 3 of 7')
    await rowOf(page, 'Running tasks', 'annual report').getByText('42 % · page 3 of 7').waitFor()
    const bar = page.getByRole('progressbar', { name: 'Progress of annual report' })
    expect(await bar.getAttribute('value')).toBe('0.42')

    gates.end('annual report')
    await rowOf(page, 'Running tasks', 'poster').waitFor()
    await gone(page, 'annual report')
    await page.locator('#succeeded').getByText('1', { exact: true }).waitFor()
    await page.locator('#throughput').getByText('0.1 per second').waitFor()
  })

  it('shows what failed, and why', async () => {
    const { page, url, gates } = await open()
    await handIn(url, 'annual report')
    gates.fail('annual report', Object.assign(new Error('no paper left'), { code: 'EPAPER' }))
    await rowOf(page, 'Recent failures', 'annual report').getByText('EPAPER: no paper left').waitFor()
    await page.locator('#failed').getByText('1', { exact: true }).waitFor()
  })

  it('cancels the task of the button that was pressed, and no other', async () => {
    const { page, url, app } = await open()
    const [first = '', second = '', third = ''] = [
      await handIn(url, 'annual report'),
      await handIn(url, 'letter'),
      await handIn(url, 'poster')
    ]
    await page.getByRole('button', { name: 'Cancel letter' }).click()
    await gone(page, 'letter')
    await page.getByRole('button', { name: 'Cancel poster' }).click()
    await gone(page, 'poster')
    expect([first, second, third].map((id) => app.pool.task(id)?.state)).toEqual(['running', 'canceled', 'canceled'])
    await page.locator('#canceled').getByText('2', { exact: true }).waitFor()
  })

  it('says that a task was asked to end as long as it does not listen', async () => {
    const { page, url, gates } = await open()
    await handIn(url, 'deaf report')
    await page.getByRole('button', { name: 'Cancel deaf report' }).click()
    await page.getByRole('button', { name: 'Canceling deaf report', disabled: true }).waitFor()
    await page.getByRole('status').getByText('Asked deaf report to end').waitFor()
    gates.end('deaf report')
    await gone(page, 'deaf report')
  })

  it.each([
    '<img src=x onerror=alert(1)>',
    '</script><script>alert(1)</script>',
    '"><svg onload=alert(1)>',
    '\u202egnp.exe'
  ])('leaves the hostile label %j a text', async (label) => {
    const { page, url, gates } = await open()
    await handIn(url, label)
    await page.getByRole('rowheader', { name: label, exact: true }).waitFor()
    gates.gate(label).progress(0.5, label)
    await page.getByText(`50 % · ${label}`).waitFor()
    gates.fail(label, new Error(label))
    await page.getByText(`Error: ${label}`).waitFor()
    expect(await page.locator('img, main svg[onload], script').count()).toBe(1) // its own script
  })

  it('lets no markup in even if its own script tried', async () => {
    const { page, complaints } = await open()
    await expect(page.evaluate('document.body.innerHTML = "<b>bold</b>"')).rejects.toThrow('TrustedHTML')
    expect(complaints.splice(0)).toEqual([expect.stringContaining('TrustedHTML')])
  })

  it('shows a graceful stop to its end', async () => {
    const { page, url, gates, app } = await open()
    for (const label of ['annual report', 'letter', 'poster']) await handIn(url, label)
    await page.locator('#queued').getByText('1 of 100').waitFor()
    const stopped = app.pool.stop({ graceMs: Number.POSITIVE_INFINITY })
    await page.locator('#banner').getByText('Stopping: no new work is taken, 3 tasks to go.').waitFor()
    await page.getByRole('status').getByText('Stopping').waitFor()
    await page.getByRole('button', { name: 'Stop the server' }).waitFor({ state: 'hidden' })
    gates.end('annual report')
    await page.locator('#banner').getByText('2 tasks to go').waitFor()
    gates.end('letter')
    await rowOf(page, 'Running tasks', 'poster').waitFor()
    gates.end('poster')
    await stopped
    await page.locator('#banner').getByText('Stopped: 3 of 3 accepted tasks ended.').waitFor()
    await page.locator('#state').getByText('stopped').waitFor()
  })

  it('can be used with the keyboard alone, and keeps its place when a row goes away', async () => {
    const { page, url, stops } = await open()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Stop the server?' })
    await dialog.waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    expect(stops()).toBe(0)

    await handIn(url, 'annual report')
    await page.getByRole('button', { name: 'Cancel annual report' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await gone(page, 'annual report')
    await page.locator('#tasks-title:focus').waitFor()
  })

  it('keeps the focus on a task that moves from the queue to a worker', async () => {
    const { page, url, gates } = await open()
    for (const label of ['annual report', 'letter', 'poster']) await handIn(url, label)
    await page.getByRole('button', { name: 'Cancel poster' }).focus()
    gates.end('letter')
    await rowOf(page, 'Running tasks', 'poster').locator('button:focus').waitFor()
  })

  it('asks before it stops the server', async () => {
    const { page, stops } = await open()
    await page.getByRole('button', { name: 'Stop the server' }).click()
    const answered = page.waitForResponse((response) => response.url().endsWith('/dashboard/stop'))
    await page.getByRole('button', { name: 'Stop it' }).click()
    expect((await answered).status()).toBe(202)
    expect(stops()).toBe(1)
  })

  it('follows the light and the dark of the system, readable in both', async () => {
    const { page, url, gates } = await open({ colorScheme: 'light' })
    await handIn(url, 'annual report')
    gates.fail('annual report', new Error('no paper left'))
    await handIn(url, 'letter')
    await page.getByText('Error: no paper left').waitFor()
    await page.getByRole('button', { name: 'Cancel letter' }).waitFor()
    const light = await coloring(page)
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await coloring(page)
    expect(luminance(light.page)).toBeGreaterThan(0.8)
    expect(luminance(dark.page)).toBeLessThan(0.05)
    // The least contrast of WCAG 2.2, level AA.
    for (const { card, texts } of [light, dark]) {
      for (const [where, color] of Object.entries(texts)) {
        expect(contrast(card, color), `${where}: ${color} on ${card}`).toBeGreaterThanOrEqual(4.5)
      }
    }
  })

  it('is not there for a page whose name was pointed at this machine', async () => {
    const { url } = await open()
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    const reply = await page.goto(`${url.replace('127.0.0.1', 'elsewhere.test')}/dashboard`)
    expect(reply?.status()).toBe(421)
    expect((await page.goto(`${url.replace('127.0.0.1', 'localhost')}/dashboard`))?.status()).toBe(200)
  })
})

interface Coloring {
  readonly page: string
  readonly card: string
  readonly texts: Readonly<Record<string, string>>
}

const coloring = (page: Page): Promise<Coloring> =>
  page.evaluate(`(() => {
    const of = (selector, property) => getComputedStyle(document.querySelector(selector))[property]
    const texts = ['.big', '.quiet', 'dt', 'td', 'thead th', 'td button', '#stop-now']
    return {
      page: of('body', 'backgroundColor'),
      card: of('section', 'backgroundColor'),
      texts: Object.fromEntries(texts.map((selector) => [selector, of(selector, 'color')]))
    }
  })()`)

/** The relative luminance of `rgb(r, g, b)`. @see WCAG 2.2 */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [...color.matchAll(/\d+/g)].map(([value]) => {
    const part = Number(value) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}
