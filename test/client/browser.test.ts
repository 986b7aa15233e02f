/** The client in a browser, from its source, on our routes. Skipped where there is no Chromium. */
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
import { realDesk, until } from './support/real-desk.js'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

const isThere = ((): boolean => {
  try {
    accessSync(executablePath, constants.X_OK)
    return true
  } catch {
    return false
  }
})()

/** Serves a page, and the source of the client as the modules that it is made of; everything else goes on. */
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
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] }) // it sees nothing but our own pages
  })

  afterAll(() => browser?.close())

  const deskWithPage = (options: TicketRoutesOptions = {}) =>
    realDesk(options, {}, (routes) => createServer(withPage(nodeListener(routes))))

  /** A page that has the client, and what went wrong in it. */
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

  /** Submits, keeps what was told in `told`, and answers what it came to. */
  const submitIn = (page: Page, url: string, options = ''): Promise<unknown> =>
    page.evaluate(`
      globalThis.told = []
      globalThis.controller = new AbortController()
      client.submit('${url}', { width: 200 }, {
        signal: controller.signal,
        onProgress: ({ status, progress }) => told.push([status, progress?.message ?? null]),
        ${options}
      }).then((result) => ({ result }), (error) => ({ name: error.name, code: error.code, status: error.status }))
    `)

  it('work is handed in by a URL relative to the page, followed by held questions, and comes back with its result', async () => {
    const desk = await deskWithPage()
    const page = await open(desk.origin)
    const outcome = submitIn(page, '../tasks')
    await until(() => desk.begun.length === 1 && desk.lines.length === 2)
    desk.begun[0]?.context.progress(0.5, 'half way')
    await until(() => desk.lines.length === 3)
    desk.begun[0]?.open({ url: '/200.png' })
    expect(await outcome).toEqual({ result: { url: '/200.png' } })
    expect(await page.evaluate('told')).toEqual([
      ['running', null],
      ['running', 'half way'],
      ['succeeded', 'half way']
    ])
    expect(desk.lines).toEqual(['POST /tasks', 'GET /tasks/ticket', 'GET /tasks/ticket'])
  })

  it('a caller who leaves has its task canceled', async () => {
    const desk = await deskWithPage()
    const page = await open(desk.origin)
    const outcome = submitIn(page, '/tasks')
    await until(() => desk.begun.length === 1 && desk.lines.length === 2)
    await page.evaluate('controller.abort()')
    expect(await outcome).toMatchObject({ name: 'AbortError' })
    await until(() => desk.pool.stats().totals.canceled === 1)
  })

  it('a page that is closed gets its cancel through, if it aborts when it hides', async () => {
    const desk = await deskWithPage()
    const page = await open(desk.origin)
    await page.evaluate("addEventListener('pagehide', () => controller.abort())")
    const gone = submitIn(page, '/tasks').catch(() => 'gone')
    await until(() => desk.begun.length === 1 && desk.lines.length === 2)
    await page.goto('about:blank')
    expect(await gone).toBe('gone')
    await until(() => desk.pool.stats().totals.canceled === 1)
  })

  it('a redirect is not followed, although a browser hides where it leads', async () => {
    const elsewhere = await deskWithPage()
    const desk = await realDesk({}, {}, () =>
      createServer(withPage((_req, res) => res.writeHead(307, { Location: elsewhere.url }).end()))
    )
    const page = await open(desk.origin)
    expect(await submitIn(page, '/tasks')).toEqual({
      name: 'UnexpectedAnswerError',
      code: 'ERR_UNEXPECTED_ANSWER',
      status: 0
    })
    expect(elsewhere.lines).toEqual([])
  })

  describe('on a page of another origin', () => {
    it('the client works as at home with a server that allows it and lets it read its headers', async () => {
      const { origin } = await deskWithPage()
      const desk = await realDesk({}, {}, (routes) => createServer(expressApp(routes, express().use(cors([origin])))))
      const page = await open(origin)
      const outcome = submitIn(page, desk.url)
      await until(() => desk.begun.length === 1 && desk.lines.length === 2)
      desk.begun[0]?.open('from afar')
      expect(await outcome).toEqual({ result: 'from afar' })
      expect(desk.lines).toEqual(['POST /tasks', 'GET /tasks/ticket'])
    })

    it('it can cancel there', async () => {
      const { origin } = await deskWithPage()
      const desk = await realDesk({}, {}, (routes) => createServer(expressApp(routes, express().use(cors([origin])))))
      const page = await open(origin)
      const outcome = submitIn(page, desk.url)
      await until(() => desk.begun.length === 1 && desk.lines.length === 2)
      await page.evaluate('controller.abort()')
      expect(await outcome).toMatchObject({ name: 'AbortError' })
      await until(() => desk.pool.stats().totals.canceled === 1)
    })

    it('it goes by the body alone with a server that shows it no headers', async () => {
      const { origin } = await deskWithPage()
      const desk = await realDesk({ pollAfterMs: 50 }, {}, (routes) =>
        createServer((req, res) => {
          res.setHeader('Access-Control-Allow-Origin', origin)
          res.setHeader('Access-Control-Allow-Headers', 'Content-Type, Idempotency-Key, If-None-Match, Prefer')
          if (req.method === 'OPTIONS') res.writeHead(204).end()
          else nodeListener(routes)(req, res)
        })
      )
      const page = await open(origin)
      const outcome = submitIn(page, desk.url)
      await until(() => desk.begun.length === 1)
      desk.begun[0]?.open('from afar')
      expect(await outcome).toEqual({ result: 'from afar' })
    })

    it('nothing is queued by a server that does not allow it', async () => {
      const { origin } = await deskWithPage()
      const desk = await realDesk({}, {}, (routes: TicketRoutes) => createServer(expressApp(routes)))
      const page = await open(origin)
      expect(await submitIn(page, desk.url, 'retry: { attempts: 2, backoffMs: 0 }')).toMatchObject({
        code: 'ERR_SERVER_UNREACHABLE'
      })
      expect(desk.pool.stats().totals.submitted).toBe(0)
    })
  })
})
