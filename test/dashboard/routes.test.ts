import { describe, expect, it } from 'vitest'
import { withDashboard } from '../../examples/dashboard/dashboard.js'
import { jsonOf, requestTo, textOf } from '../http/support/request-of.js'
import { startedPool } from '../support/pools.js'

const served = (stop?: () => void) => {
  const { pool } = startedPool()
  const passed: string[] = []
  const app = {
    pool,
    handle: async ({ target }: { readonly target: string }) => {
      passed.push(target)
      return undefined
    }
  }
  const routes = withDashboard(app, stop === undefined ? {} : { stop })
  const ask = (line: string, headers: Readonly<Record<string, string>> = {}) =>
    routes.handle(requestTo(line, { headers: { host: 'localhost:8080', ...headers } }))
  return { ask, passed }
}

describe('the routes of the dashboard', () => {
  it('serve a page that is whole in itself, whose policy lets only its own script and style in', async () => {
    const { ask } = served()
    const [first, second] = [await ask('GET /dashboard'), await ask('GET /dashboard?again')]
    const nonces = [first, second].map((reply) => {
      const policy = reply?.headers['Content-Security-Policy'] ?? ''
      const nonce = /script-src 'nonce-([^']{24})'/.exec(policy)?.[1] ?? 'none'
      expect(policy.split('; ')).toEqual(
        expect.arrayContaining(["default-src 'none'", `style-src 'nonce-${nonce}'`, "frame-ancestors 'none'"])
      )
      expect(policy).not.toMatch(/unsafe|\*|https?:/)
      const page = textOf(reply)
      expect(page.match(/<(?:script|style)[^>]*>/g)).toEqual([`<style nonce="${nonce}">`, `<script nonce="${nonce}">`])
      expect(page).not.toMatch(/https?:\/\/|\{\{|innerHTML|\sstyle=|\son\w+=/)
      return nonce
    })
    expect(nonces[0]).not.toBe(nonces[1])
    expect(first?.headers).toMatchObject({
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer'
    })
  })

  it('stream its events as the ticket routes do theirs', async () => {
    const reply = await served().ask('GET /dashboard/events')
    expect(reply?.headers).toMatchObject({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'private, no-cache, no-transform',
      'X-Accel-Buffering': 'no'
    })
    expect(reply?.signal?.aborted).toBe(false)
  })

  it.each(['GET /dashboard', 'GET /dashboard/events', 'POST /dashboard/stop', 'PUT /dashboard'])(
    'refuse %s for a foreign host',
    async (line) => {
      let stops = 0
      const { ask } = served(() => void stops++)
      for (const host of ['example.org', '127.0.0.1.example.org', 'localhost.example.org:80', '']) {
        const reply = await ask(line, { host })
        expect([reply?.status, jsonOf(reply)['code']]).toEqual([421, 'MISDIRECTED_REQUEST'])
      }
      expect(stops).toBe(0)
    }
  )

  it.each(['cross-site', 'same-site'])('refuse to stop the server for a page that is %s', async (site) => {
    let stops = 0
    const { ask } = served(() => void stops++)
    const reply = await ask('POST /dashboard/stop', { 'sec-fetch-site': site })
    expect([reply?.status, jsonOf(reply)['code'], stops]).toEqual([403, 'CROSS_SITE', 0])
  })

  it.each([{}, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }])(
    'stop the server for its own page and for a command line: %o',
    async (headers) => {
      let stops = 0
      const { ask } = served(() => void stops++)
      expect((await ask('POST /dashboard/stop', headers))?.status).toBe(202)
      expect(stops).toBe(1)
    }
  )

  it('have no way to stop the server where the application gives none', async () => {
    const { ask, passed } = served()
    expect(await ask('POST /dashboard/stop')).toBeUndefined()
    expect(passed).toEqual(['/dashboard/stop'])
    expect(textOf(await ask('GET /dashboard'))).toContain('<body data-stop="no">')
  })

  it.each([
    ['/dashboard', 'GET, HEAD, OPTIONS'],
    ['/dashboard/events', 'GET, OPTIONS'],
    ['/dashboard/stop', 'POST, OPTIONS']
  ])('say which methods %s has', async (path, allow) => {
    const { ask } = served(() => {})
    const wrong = await ask(`DELETE ${path}`)
    expect([wrong?.status, wrong?.headers['Allow']]).toEqual([405, allow])
    const asked = await ask(`OPTIONS ${path}`)
    expect([asked?.status, asked?.headers['Allow']]).toEqual([204, allow])
  })

  it('answer HEAD as GET, without the body', async () => {
    const { ask } = served()
    const [head, get] = [await ask('HEAD /dashboard'), await ask('GET /dashboard')]
    expect(head?.body).toBeUndefined()
    expect(head?.headers['Content-Length']).toBe(get?.headers['Content-Length'])
  })

  it('leave every other path to the application', async () => {
    const { ask, passed } = served()
    for (const path of ['/', '/dashboard/', '/dashboards', '/tasks/dashboard']) {
      expect(await ask(`GET ${path}`)).toBeUndefined()
    }
    expect(passed).toEqual(['/', '/dashboard/', '/dashboards', '/tasks/dashboard'])
  })
})
