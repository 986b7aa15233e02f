/** The servers of the page on frameworks, each as it is printed, in a project that has installed the packed library. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { TicketStatus } from 'coatcheck/http'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { printPort } from './print-port.js'
import { lendDevDependencies, project } from './project.js'
import { root, run } from './run.js'

/** The first program below a heading of the page. */
const snippet = (page: string, heading: string): string => {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const [, code] = /```ts\n([\s\S]*?)```/.exec(section) ?? []
  if (code === undefined) throw new Error(`no program under ${heading}`)
  return code
}

const servers = ['node-http', 'http2', 'express5', 'express4', 'fastify', 'hono'] as const
type ServerName = (typeof servers)[number]

const programs = (page: string): Readonly<Record<ServerName, string>> => {
  const express5 = snippet(page, 'Express')
  return {
    'node-http': snippet(page, 'node:http'),
    http2: snippet(page, 'HTTP/2'),
    express5,
    express4: express5.replace("from 'express'", "from 'express4'"),
    fastify: snippet(page, 'Fastify'),
    hono: snippet(page, 'Hono, and other Fetch servers')
  }
}

let folder: string
let homes: Readonly<Record<'module' | 'commonjs', string>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coatcheck-frameworks-'))
  const page = await readFile(join(root, 'docs', 'frameworks.md'), 'utf8')
  const home = async (type: 'module' | 'commonjs') => {
    const path = await project(folder, type, type, inject('tarball'))
    await lendDevDependencies(path)
    for (const [name, code] of Object.entries(programs(page))) await writeFile(join(path, `${name}.ts`), code)
    await writeFile(join(path, 'print-port.mjs'), printPort)
    return path
  }
  homes = { module: await home('module'), commonjs: await home('commonjs') }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const resolutions = [
  { resolution: 'node16', type: 'module', compiler: 'typescript', options: { module: 'node16' } },
  { resolution: 'nodenext', type: 'module', compiler: 'typescript', options: { module: 'nodenext' } },
  { resolution: 'bundler', type: 'module', compiler: 'typescript', options: { module: 'preserve' } },
  { resolution: 'nodenext', type: 'commonjs', compiler: 'typescript', options: { module: 'nodenext' } },
  // Without `exports`, which it does not know: the types come from `typesVersions`.
  { resolution: 'node10', type: 'commonjs', compiler: 'typescript-5.9', options: { module: 'commonjs' } }
] as const

const compileAll = async (
  home: string,
  { resolution, compiler, options }: (typeof resolutions)[number],
  names: readonly ServerName[]
): Promise<void> => {
  const config = join(home, `tsconfig.${resolution}.json`)
  const compilerOptions = {
    ...options,
    moduleResolution: resolution,
    ...{ target: 'es2022', strict: true, exactOptionalPropertyTypes: true, skipLibCheck: true },
    ...{ esModuleInterop: true, types: ['node'], outDir: join(home, resolution) }
  }
  await writeFile(config, JSON.stringify({ compilerOptions, files: names.map((name) => `${name}.ts`) }))
  await run(process.execPath, [join(root, 'node_modules', compiler, 'bin', 'tsc'), '-p', config], home)
}

describe('the servers of the page', () => {
  it.each(resolutions)('compile in a $type project under $resolution', async (resolution) => {
    // The types of @hono/node-server need a resolution that knows `exports`.
    const names = servers.filter((name) => name !== 'hono' || resolution.resolution !== 'node10')
    await compileAll(homes[resolution.type], resolution, names)
  })
})

class Running {
  readonly lines: string[] = []
  readonly errors: string[] = []
  readonly child: ChildProcess
  readonly #port: Promise<number>

  constructor(home: string, script: string) {
    const command = ['--import', './print-port.mjs', script]
    this.child = spawn(process.execPath, command, { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface({ input: this.child.stderr! }).on('line', (line) => void this.errors.push(line))
    this.#port = new Promise((resolve, reject) => {
      this.child.once('exit', () => reject(new Error(`${script} has ended: ${this.errors.join('\n')}`)))
      createInterface({ input: this.child.stdout! }).on('line', (line) => {
        this.lines.push(line)
        const [, port] = /^port (\d+)$/.exec(line) ?? []
        if (port !== undefined) resolve(Number(port))
      })
    })
    this.#port.catch(() => {})
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  get port(): Promise<number> {
    return this.#port
  }
}

interface Answer {
  readonly status: number
  readonly type: string | null
  readonly body: string
}

interface Question {
  readonly method: string
  readonly path: string
  readonly type?: string
  readonly body?: string
}

const overHttp1 = async (port: number, { method, path, type, body }: Question): Promise<Answer> => {
  const headers = { authorization: 'Bearer secret', ...(type === undefined ? {} : { 'content-type': type }) }
  const init = { method, headers, ...(body === undefined ? {} : { body }) }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() }
}

const overHttp2 = async (port: number, { method, path, type, body }: Question): Promise<Answer> => {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const typed = type === undefined ? {} : { 'content-type': type }
  const stream = session.request({ ':method': method, ':path': path, ...typed }, { endStream: body === undefined })
  const answered = once(stream, 'response')
  if (body !== undefined) stream.end(body)
  const [headers] = (await answered) as [Readonly<Record<string, string>>]
  const answer = { status: Number(headers[':status']), type: headers['content-type'] ?? null, body: await text(stream) }
  session.close()
  return answer
}

const json = 'application/json'
const questions: readonly Question[] = [
  { method: 'GET', path: '/readyz' },
  { method: 'GET', path: '/tasks/none' },
  { method: 'PUT', path: '/tasks' },
  { method: 'OPTIONS', path: '/tasks' },
  { method: 'HEAD', path: '/livez' },
  { method: 'DELETE', path: '/tasks/none' },
  { method: 'POST', path: '/tasks', type: json, body: '{' },
  { method: 'POST', path: '/tasks', type: json, body: '[]' },
  { method: 'POST', path: '/tasks', type: 'text/plain', body: '{}' },
  { method: 'POST', path: '/tasks', type: json, body: ' '.repeat(70_000) },
  { method: 'POST', path: '/tasks', type: json, body: '{}' }
]

/** What differs from one ticket to another; of a ticket that is not done yet, how far its task has come. */
const withoutTicket = (answer: Answer): Answer => ({
  ...answer,
  body:
    answer.status === 202
      ? Object.keys(JSON.parse(answer.body) as TicketStatus).join()
      : answer.body.replaceAll(/[\w-]{22,}/g, 'TICKET').replaceAll(/\d{4}-[\d-]+T[\d:.]+Z/g, 'TIME')
})

describe.each(['module', 'commonjs'] as const)('in a %s project', (type) => {
  it('all answer the same requests with the same status and bytes, and end with code 0 at a signal', async () => {
    const home = homes[type]
    await compileAll(home, resolutions[type === 'module' ? 1 : 3], servers)
    const all = servers.map((name) => ({ name, server: new Running(home, join('nodenext', `${name}.js`)) }))
    const answers = await Promise.all(
      all.map(async ({ name, server }) => {
        const ask = name === 'http2' ? overHttp2 : overHttp1
        const given: Answer[] = []
        for (const question of questions) given.push(await ask(await server.port, question))
        const { id } = JSON.parse(given.at(-1)?.body ?? '') as TicketStatus
        const ticket = { method: 'GET', path: `/tasks/${id}` }
        for (;;) {
          const last = await ask(await server.port, ticket)
          if ((JSON.parse(last.body) as TicketStatus).done) return [...given, last].map(withoutTicket)
        }
      })
    )
    expect(answers[0]?.map(({ status }) => status)).toEqual([
      200, 404, 405, 204, 200, 404, 400, 400, 415, 413, 202, 200
    ])
    for (const [index, each] of answers.entries()) expect(each, all[index]?.name).toEqual(answers[0])

    const fastify = all.find(({ name }) => name === 'fastify')?.server
    const stranger = await fetch(`http://127.0.0.1:${await fastify?.port}/tasks/a`)
    expect(stranger.status).toBe(401)
    const logged = () => fastify?.lines.filter((line) => line.includes('"url":"/tasks"')).length
    await expect.poll(logged).toBe(7)

    const codes = all.map(async ({ server }, index) => {
      const ended = once(server.child, 'exit')
      server.child.kill(index % 2 === 0 ? 'SIGTERM' : 'SIGINT')
      return { code: (await ended)[0] as unknown, errors: server.errors }
    })
    expect(await Promise.all(codes)).toEqual(all.map(() => ({ code: 0, errors: [] })))
  })
})
