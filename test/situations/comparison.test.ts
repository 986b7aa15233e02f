/** What the page of the comparison says about coatcheck holds, and the page says what was observed. */
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { libraries } from '../../bench/situations/libraries/libraries.mjs'
import { withFindings } from '../../bench/situations/page.mjs'
import { play } from '../../bench/situations/play.mjs'
import { plays } from '../../bench/situations/plays/plays.mjs'
import type { Findings, Situation } from '../../bench/situations/types.js'
import { versions } from '../../bench/situations/versions.mjs'

const read = (name: string): Promise<string> => readFile(new URL(`../../${name}`, import.meta.url), 'utf8')

const findings = JSON.parse(await read('bench/situations/findings.json')) as Findings
const situations = Object.keys(plays) as Situation[]

const shown = (situation: Situation, library: string): string | null | undefined =>
  findings.rows.find((row) => row.situation === situation && row.library === library)?.text?.replace(/; time .*/, '')

const LOST_WITH_MEMORY = /^5 of 20 done, by [67] calls; 15 lost$/
const KEPT_WITH_STORE = /^20 of 20 done, by 2\d calls$/

/** What the documentation promises. */
const promised: Readonly<Record<Situation, string | RegExp>> = {
  full: '12 accepted, 988 refused',
  waiting: '1 of 50 entered; in the end 50 done',
  timeLimit: '1 ran at once of 1',
  cancel: 'the function was notified; 1 ran at once of 1',
  stop: '5 of 5 done; a newcomer was refused',
  stopNow: '2 of 5 done; 3 rejected; a newcomer was refused',
  restart: LOST_WITH_MEMORY,
  failure: 'printed, the process goes on',
  listener: '3 of 3 results delivered; the error was printed',
  sameId: 'ran once; the second caller was refused',
  priorities: 'in order',
  sharedSignal: '1 listener meanwhile, 0 left',
  context: '5 of 5 ran in the context of their request'
}

describe('coatcheck in the situations of the comparison', () => {
  for (const situation of situations) {
    it(`does what is promised: ${plays[situation].title}`, async () => {
      const { text } = await play('coatcheck', situation, { flags: ['--import', 'tsx'] })
      for (const seen of [text, shown(situation, 'coatcheck')]) {
        const wanted = promised[situation]
        expect(seen).toEqual(typeof wanted === 'string' ? wanted : expect.stringMatching(wanted))
      }
    })
  }

  it('loses nothing with a store: Kill and restart', async () => {
    const { text } = await play('coatcheck with a store', 'restart', { flags: ['--import', 'tsx'] })
    expect(text).toMatch(KEPT_WITH_STORE)
    expect(shown('restart', 'coatcheck with a store')).toMatch(KEPT_WITH_STORE)
  })
})

describe('the libraries of the comparison', () => {
  it('play every situation or lack the means for it, by name', () => {
    for (const { name, uses, lacks } of libraries.filter((one) => one.name !== 'coatcheck with a store')) {
      expect([...Object.keys(uses), ...Object.keys(lacks)].sort(), name).toEqual([...situations].sort())
    }
  })

  it('are all on the page, the others in the versions that are installed', () => {
    expect(new Set(findings.rows.map(({ library }) => library))).toEqual(new Set(libraries.map(({ name }) => name)))
    expect({ ...findings.versions, coatcheck: versions['coatcheck'] }).toEqual(versions)
  })
})

describe('the page of the comparison', () => {
  it('shows what was observed, in every situation', async () => {
    const page = await read('docs/comparison.md')
    expect(page).toBe(withFindings(page, findings))
    for (const { title } of Object.values(plays)) expect(page).toContain(`### ${title}\n`)
  })

  it('is another one for other observations', async () => {
    const page = await read('docs/comparison.md')
    const rows = findings.rows.map((row) => ({ ...row, text: 'something else' }))
    expect(withFindings(page, { ...findings, rows })).not.toBe(page)
  })
})
