/** The dashboard in a real Chromium. Where there is none, these tests are skipped. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../support/manual-clock.js'
import { chromiumPath, launchOptions, queueWork, type Served, type ServedOptions, served } from './support.js'

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
  const open = async (options: BrowserContextOptions = {}, serving: ServedOptions = {}): Promise<Opened> => {
    const server = await served(serving)
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
    await page.locator('#condition-name').getByText('healthy').waitFor()
    return { ...server, page, complaints }
  }

  const rowOf = (page: Page, list: string, label: string) =>
    page.getByRole('list', { name: list }).getByRole('listitem').filter({ hasText: label })

  const gone = (page: Page, label: string) =>
    page.getByRole('listitem').filter({ hasText: label }).waitFor({ state: 'detached' })

  it('shows tasks as they come, wait, run and end, against the bounds', async () => {
    const { page, url, gates } = await open()
    for (const label of ['annual report', 'letter', 'poster']) await queueWork(url, label)
    await rowOf(page, 'Running tasks', 'annual report').waitFor()
    await rowOf(page, 'Next to run', 'poster').getByText('1.').waitFor()
    await page.locator('#condition').getByText('Busy all 2 workers are occupied, 1 task queued').waitFor()
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
  })

  it('shows what failed, and why', async () => {
    const { page, url, gates } = await open()
    await queueWork(url, 'annual report')
    gates.fail('annual report', Object.assign(new Error('no paper left'), { code: 'EPAPER' }))
    await rowOf(page, 'Recent failures', 'annual report').getByText('EPAPER: no paper left').waitFor()
    await page.locator('#failed').getByText('1', { exact: true }).waitFor()
  })

  it('cancels the task of the button that was pressed, and no other', async () => {
    const { page, url, app } = await open()
    const [first = '', second = '', third = ''] = [
      await queueWork(url, 'annual report'),
      await queueWork(url, 'letter'),
      await queueWork(url, 'poster')
    ]
    await page.getByRole('button', { name: 'Cancel letter' }).click()
    await gone(page, 'letter')
    await page.getByRole('button', { name: 'Cancel poster' }).click()
    await gone(page, 'poster')
    expect([first, second, third].map((id) => app.pool.task(id)?.state)).toEqual(['running', 'canceled', 'canceled'])
    await page.locator('#canceled').getByText('2', { exact: true }).waitFor()
  })

  it('shows that a cancel is requested as long as the task ignores it', async () => {
    const { page, url, gates } = await open()
    await queueWork(url, 'deaf report')
    await page.getByRole('button', { name: 'Cancel deaf report' }).click()
    await page.getByRole('button', { name: 'Canceling deaf report', disabled: true }).waitFor()
    await page.getByRole('status').getByText('Cancel requested: deaf report').waitFor()
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
    await queueWork(url, label)
    await page.getByRole('listitem').getByText(label, { exact: true }).waitFor()
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
    for (const label of ['annual report', 'letter', 'poster']) await queueWork(url, label)
    await page.locator('#queued').getByText('1 of 100').waitFor()
    const stopped = app.pool.stop({ graceMs: Number.POSITIVE_INFINITY })
    const condition = page.locator('#condition')
    await condition.getByText('Stopping no new work is accepted, 3 tasks to go').waitFor()
    await page.getByRole('status').getByText('stopping: no new work is accepted').waitFor()
    await page.getByRole('button', { name: 'Stop the server' }).waitFor({ state: 'hidden' })
    gates.end('annual report')
    await condition.getByText('2 tasks to go').waitFor()
    gates.end('letter')
    await rowOf(page, 'Running tasks', 'poster').waitFor()
    gates.end('poster')
    await stopped
    await condition.getByText('Stopped 3 of 3 accepted tasks ended').waitFor()
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

    await queueWork(url, 'annual report')
    await page.getByRole('button', { name: 'Cancel annual report' }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await gone(page, 'annual report')
    await page.locator('#tasks-title:focus').waitFor()
  })

  it('keeps the focus on a task that moves from the queue to a worker', async () => {
    const { page, url, gates } = await open()
    for (const label of ['annual report', 'letter', 'poster']) await queueWork(url, label)
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
    await queueWork(url, 'annual report')
    gates.fail('annual report', new Error('no paper left'))
    await queueWork(url, 'letter')
    await page.getByText('Error: no paper left').waitFor()
    await page.getByRole('button', { name: 'Cancel letter' }).waitFor()
    const light = await coloring(page)
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await coloring(page)
    expect(luminance(light.page)).toBeGreaterThan(0.8)
    expect(luminance(dark.page)).toBeLessThan(0.05)
    // The least contrast of WCAG 2.2, level AA.
    for (const { card, texts, tones } of [light, dark]) {
      for (const [tone, [back, text]] of Object.entries(tones)) {
        expect(contrast(back, text), `${tone}: ${text} on ${back}`).toBeGreaterThanOrEqual(4.5)
      }
      for (const [where, color] of Object.entries(texts)) {
        expect(contrast(card, color), `${where}: ${color} on ${card}`).toBeGreaterThanOrEqual(4.5)
      }
    }
  })

  const scenes = {
    empty: async () => {},
    full: async ({ url, app, gates }: Opened) => {
      const long = `index-of-${'all-the-pages-'.repeat(8)}${'x'.repeat(70)}`
      await queueWork(url, 'annual report')
      gates.fail('annual report', new Error(`no paper left in /var/spool/${'printer/'.repeat(18)}`))
      for (const label of [long, 'convert video for customer', '<b>poster</b>', long]) await queueWork(url, label)
      gates.gate(long).progress(0.123, `page 3 of 7, ${'very '.repeat(30)}`)
      for (let n = 0; n < 98; n++) {
        app.pool.queueTask(() => {}, {
          name: 'thumbnail of a page',
          key: n % 2 === 0 ? 'customer acme' : `${'key'.repeat(60)}${n}`
        })
      }
      expect(() => app.pool.queueTask(() => {})).toThrow()
    }
  }

  it.each((['empty', 'full'] as const).flatMap((scene) => [390, 768, 1440].map((width) => ({ scene, width }))))(
    'fits into $width pixels when it is $scene, and breaks no word',
    async ({ scene, width }) => {
      const opened = await open({ viewport: { width, height: 800 } })
      await scenes[scene](opened)
      const name = { empty: 'healthy', full: 'full and refusing' }[scene]
      await opened.page.locator('#condition-name').getByText(name, { exact: true }).waitFor()
      expect(await misfits(opened.page)).toEqual([])
    }
  )

  it('shows the lost connection, and the figures again when it is back', async () => {
    const { page, url, disconnect, complaints } = await open()
    disconnect()
    await page.locator('#condition-name').getByText('connection lost').waitFor()
    await page.getByRole('status').getByText('connection lost').waitFor()
    await queueWork(url, 'annual report')
    await page.locator('#condition-name').getByText('healthy').waitFor()
    await rowOf(page, 'Running tasks', 'annual report').waitFor()
    expect(complaints.splice(0).every((each) => each.includes('Failed to load resource'))).toBe(true)
  })

  it('connects again after it was denied for a while, as at the end of a session', async () => {
    let isAllowed = true
    const { page, disconnect, complaints } = await open({}, { authorize: () => isAllowed })
    isAllowed = false
    const denied = page.waitForResponse((response) => response.status() === 404)
    disconnect()
    await denied
    isAllowed = true
    await page.locator('#condition-name').getByText('connection lost').waitFor()
    await page.locator('#condition-name').getByText('healthy').waitFor()
    complaints.splice(0)
  })

  it('has no button that the reader may not press', async () => {
    const { page, url } = await open({}, { authorize: (_request, action) => action === 'view' })
    await queueWork(url, 'annual report')
    await rowOf(page, 'Running tasks', 'annual report').waitFor()
    await expect.poll(() => page.getByRole('button').count()).toBe(0)
  })

  it('draws the seconds that nobody measured as a gap, not as zero', async () => {
    const clock = new ManualClock()
    const { page } = await open({}, { clock, pool: { clock } })
    await page.getByText('no data for 60 of 60 s').waitFor()
    await page.getByText('the first second is being measured').waitFor()
    expect(await page.locator('#graph-settled').getAttribute('d')).toBe('')
    await clock.advance(3_250)
    await page.getByText('no data for 57 of 60 s').waitFor()
    await page.getByText('mean of the last 3 s').waitFor()
    expect(await page.locator('#graph-settled').getAttribute('d')).toBe('M57 38.00h1L58 38.00h1L59 38.00h1')
    expect(await page.locator('#graph-gap').getAttribute('width')).toBe('57')
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
  /** Background and text of the state line. */
  readonly tones: Readonly<Record<string, readonly [back: string, text: string]>>
}

const coloring = (page: Page): Promise<Coloring> =>
  page.evaluate(`(() => {
    const of = (selector, property) => getComputedStyle(document.querySelector(selector))[property]
    const texts = ['.big', '.quiet', 'td', 'thead th', 'li button', '.label', '.error', '#stop-now']
    $('failed-row').className = 'alarm'
    const tone = (name) => {
      $('condition').className = 'condition ' + name
      return [of('#condition', 'backgroundColor'), of('#condition strong', 'color')]
    }
    return {
      page: of('body', 'backgroundColor'),
      card: of('section', 'backgroundColor'),
      tones: Object.fromEntries(['good', 'busy', 'warning', 'bad', 'off'].map((name) => [name, tone(name)])),
      texts: Object.fromEntries([...texts, '.alarm td'].map((selector) => [selector, of(selector, 'color')]))
    }
  })()`)

/** What is wider than its box, and the words that are broken into lines. Words of more than twenty characters may be. */
const misfits = (page: Page): Promise<readonly string[]> =>
  page.evaluate(`(() => {
    const found = []
    const root = document.documentElement
    if (root.scrollWidth > innerWidth) found.push('the page: ' + root.scrollWidth)
    for (const element of document.querySelectorAll('section, li, button, .condition')) {
      if (element.scrollWidth > element.clientWidth + 1) found.push(element.id || element.textContent.slice(0, 40))
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const { currentNode: text } = texts
      if (text.parentElement.closest('script, dialog, [hidden], .hidden-text, svg')) continue
      for (const { 0: word, index } of text.data.matchAll(/[^\\s-]{1,20}(?![^\\s-])/g)) {
        if (index > 0 && /[^\\s-]/.test(text.data[index - 1])) continue
        const range = document.createRange()
        range.setStart(text, index)
        range.setEnd(text, index + word.length)
        if (new Set([...range.getClientRects()].map(({ top }) => top)).size > 1) found.push('broken: ' + word)
      }
    }
    return found
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
