/** The client in a browser, from its source, with the routes of this package. Skipped without Chromium. */
import { accessSync, constants } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { join, normalize } from 'node:path'
import type { TicketRoutes, TicketRoutesOptions } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import express from 'express'
import { type Browser, chromium, type Page } from 'playwright-core'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { cors } from '../../examples/express-cors.js'
import { expressApp } from '../http/support/carriers.js'
import { root } from '../package/run.js'
import { realServer, until } from './support/real-server.js'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

const isThere = ((): boolean => {
  try {
    accessSync(executablePath, constants.X_OK)
    return true
  } catch {
    return false
  }
})()

/** Serves a page and the source modules of the client; all other requests go to the routes. */
const withPage =
  (next: RequestListener): RequestListener =>
  async (req, res) => {
    const path = normalize(req.url ?? '')
    if (path === '/page/') {
      res
        .setHeader('Content-Type', 'text/html')
        .end('<!doctype html><title>a page</title><link rel="icon" href="data:,">')
    } else if (path.startsWith('/src/') && path.endsWith('.js')) {
      const source = await readFile(join(root, path.replace(/\.js$/, '.ts')), 'utf8')
      const compilerOptions = {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2022,
        verbatimModuleSyntax: true
      }
      res.setHeader('Content-Type', 'text/javascript').end(ts.transpileModule(source, { compilerOptions }).outputText)
    } else {
      next(req, res)
    }
  }

describe.skipIf(!isThere)('in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] }) // it loads only pages of this test
  })

  afterAll(() => browser?.close())

  const serviceWithPage = (options: TicketRoutesOptions = {}) =>
    realServer(options, {}, (routes) => createServer(withPage(nodeListener(routes))))

  /** A page with the client, and the errors in it. */
  const open = async (origin: string): Promise<Page> => {
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    await page.goto(`${origin}/page/`)
    await page.addScriptTag({
      type: 'module',
      content: "import * as client from '/src/client/index.js'; globalThis.client = client; document.title = 'ready'"
    })
    await page.waitForFunction("document.title === 'ready'")
    return page
  }

  /** Submits, keeps the statuses in `reported`, and returns the outcome. */
  const submitIn = (page: Page, url: string, options = ''): Promise<unknown> =>
    page.evaluate(`
      globalThis.reported = []
      globalThis.controller = new AbortController()
      client.submit('${url}', { width: 200 }, {
        signal: controller.signal,
        onProgress: ({ status, progress }) => reported.push([status, progress?.message ?? null]),
        ${options}
      }).then((result) => ({ result }), (error) => ({ name: error.name, code: error.code, status: error.status }))
    `)

  it('work is submitted to a URL relative to the page, followed by held polls, and resolves with its result', async () => {
    const service = await serviceWithPage()
    const page = await open(service.origin)
    const outcome = submitIn(page, '../tasks')
    await until(() => service.begun.length === 1 && service.lines.length === 2)
    service.begun[0]?.context.progress(0.5, 'half way')
    await until(() => service.lines.length === 3)
    service.begun[0]?.open({ url: '/200.png' })
    expect(await outcome).toEqual({ result: { url: '/200.png' } })
    expect(await page.evaluate('reported')).toEqual([
      ['running', null],
      ['running', 'half way'],
      ['succeeded', 'half way']
    ])
    expect(service.lines).toEqual(['POST /tasks', 'GET /tasks/ticket', 'GET /tasks/ticket'])
  })

  it('a caller who aborts has its task canceled', async () => {
    const service = await serviceWithPage()
    const page = await open(service.origin)
    const outcome = submitIn(page, '/tasks')
    await until(() => service.begun.length === 1 && service.lines.length === 2)
    await page.evaluate('controller.abort()')
    expect(await outcome).toMatchObject({ name: 'AbortError' })
    await until(() => service.pool.stats().totals.canceled === 1)
  })

  it('a page that closes sends its cancel, if it aborts in pagehide', async () => {
    const service = await serviceWithPage()
    const page = await open(service.origin)
    await page.evaluate("addEventListener('pagehide', () => controller.abort())")
    const gone = submitIn(page, '/tasks').catch(() => 'gone')
    await until(() => service.begun.length === 1 && service.lines.length === 2)
    await page.goto('about:blank')
    expect(await gone).toBe('gone')
    await until(() => service.pool.stats().totals.canceled === 1)
  })

  it('a redirect is not followed, although a browser hides its target', async () => {
    const elsewhere = await serviceWithPage()
    const service = await realServer({}, {}, () =>
      createServer(withPage((_req, res) => res.writeHead(307, { Location: elsewhere.url }).end()))
    )
    const page = await open(service.origin)
    expect(await submitIn(page, '/tasks')).toEqual({
      name: 'UnexpectedAnswerError',
      code: 'ERR_UNEXPECTED_ANSWER',
      status: 0
    })
    expect(elsewhere.lines).toEqual([])
  })

  describe('on a page of another origin', () => {
    it('the client works with a server that allows it and exposes its headers', async () => {
      const { origin } = await serviceWithPage()
      const service = await realServer({}, {}, (routes) =>
        createServer(expressApp(routes, express().use(cors([origin]))))
      )
      const page = await open(origin)
      const outcome = submitIn(page, service.url)
      await until(() => service.begun.length === 1 && service.lines.length === 2)
      service.begun[0]?.open('from afar')
      expect(await outcome).toEqual({ result: 'from afar' })
      expect(service.lines).toEqual(['POST /tasks', 'GET /tasks/ticket'])
    })

    it('it can cancel', async () => {
      const { origin } = await serviceWithPage()
      const service = await realServer({}, {}, (routes) =>
        createServer(expressApp(routes, express().use(cors([origin]))))
      )
      const page = await open(origin)
      const outcome = submitIn(page, service.url)
      await until(() => service.begun.length === 1 && service.lines.length === 2)
      await page.evaluate('controller.abort()')
      expect(await outcome).toMatchObject({ name: 'AbortError' })
      await until(() => service.pool.stats().totals.canceled === 1)
    })

    it('it uses the body alone with a server that exposes no headers', async () => {
      const { origin } = await serviceWithPage()
      const service = await realServer({ pollAfterMs: 50 }, {}, (routes) =>
        createServer((req, res) => {
          res.setHeader('Access-Control-Allow-Origin', origin)
          res.setHeader('Access-Control-Allow-Headers', 'Content-Type, Idempotency-Key, If-None-Match, Prefer')
          if (req.method === 'OPTIONS') res.writeHead(204).end()
          else nodeListener(routes)(req, res)
        })
      )
      const page = await open(origin)
      const outcome = submitIn(page, service.url)
      await until(() => service.begun.length === 1)
      service.begun[0]?.open('from afar')
      expect(await outcome).toEqual({ result: 'from afar' })
    })

    it('it queues nothing on a server that does not allow it', async () => {
      const { origin } = await serviceWithPage()
      const service = await realServer({}, {}, (routes: TicketRoutes) => createServer(expressApp(routes)))
      const page = await open(origin)
      expect(await submitIn(page, service.url, 'retry: { attempts: 2, backoffMs: 0 }')).toMatchObject({
        code: 'ERR_SERVER_UNREACHABLE'
      })
      expect(service.pool.stats().totals.submitted).toBe(0)
    })
  })
})
