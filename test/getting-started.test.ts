/** The programs of docs/getting-started.md, as a reader types them: on a free port, in the source tree. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TicketStatus } from 'coatcheck/http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hasRedis, redisServer } from './stores/keyv/support/servers.js'

const root = new URL('..', import.meta.url).pathname
let folder: string
const servers: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(root, 'test', '.started-'))
})

afterEach(async () => {
  for (const server of servers.splice(0)) server.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

const blocks = async (): Promise<readonly string[]> => {
  const page = await readFile(join(root, 'docs', 'getting-started.md'), 'utf8')
  return [...page.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, code = '']) => code)
}

/** A text that has the part, without which the page says something else than this test. */
const replaced = (text: string, part: string, by: string): string => {
  expect(text).toContain(part)
  return text.replace(part, () => by)
}

const onFreePort = (code: string): string => {
  const listen = 'listenUntilSignal(createServer(app), pool, { port: 3000 })'
  return replaced(
    code,
    listen,
    `const server = createServer(app)
listenUntilSignal(server, pool, { port: 0, host: '127.0.0.1' })
server.once('listening', () => console.log(JSON.stringify(server.address())))`
  )
}

/** The first program with the two changes of the second: the store, and the handler as an object. */
const withStore = (first: string, second: string): string => {
  const handler = /report: (async[\s\S]*?\n {4}})\n/.exec(first)?.[1] ?? ''
  const rest = '{ rerun: true, run: async ({ pages }, { signal, progress }) => { /* as before */ } }'
  const store = /store: (.*),\n/.exec(second)?.[1] ?? ''
  expect(second).toContain(`report: ${rest}`)
  const changed = replaced(first, handler, `{ rerun: true, run: ${handler} }`)
  const path = replaced(store, "'tasks.db'", JSON.stringify(join(folder, 'tasks.db')))
  return `import { sqliteStore } from 'coatcheck/stores/sqlite'\n${replaced(changed, 'queueCapacity: 20,', `queueCapacity: 20, store: ${path},`)}`
}

/** The first program with the mirror of the third. */
const withMirror = (first: string, third: string, redis: string): string => {
  const pool = 'const pool = new WorkerPool({ mirror, /* as before */ })'
  const mirror = replaced(replaced(third, pool, ''), 'redis://localhost:6379', redis)
  return `${mirror}${replaced(first, 'new WorkerPool({', 'new WorkerPool({ mirror,')}`
}

/** Starts a program and returns its address. */
const start = async (code: string): Promise<string> => {
  await writeFile(join(folder, 'server.mjs'), onFreePort(code))
  const server = spawn(process.execPath, ['--import', 'tsx', join(folder, 'server.mjs')], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  servers.push(server)
  const [line] = (await once(createInterface({ input: server.stdout as NodeJS.ReadableStream }), 'line')) as [string]
  return `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`
}

const submit = (origin: string, pages: number): Promise<Response> =>
  fetch(`${origin}/reports`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ pages })
  })

const end = async (address: string): Promise<TicketStatus> => {
  for (;;) {
    const status = (await (await fetch(address, { headers: { prefer: 'wait=20' } })).json()) as TicketStatus
    if (status.status !== 'queued' && status.status !== 'running') return status
  }
}

it('answers with a ticket, and 503 when thirty requests come at once', async () => {
  const [first = ''] = await blocks()
  const origin = await start(first)
  const short = await submit(origin, 1)
  const ended = await end(`${origin}${short.headers.get('location')}`)
  expect(ended).toMatchObject({ status: 'succeeded', result: { pages: 1 } })
  const answers = await Promise.all(Array.from({ length: 30 }, () => submit(origin, 10_000)))
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(24).fill(202), ...Array(6).fill(503)])
})

it('goes on with the accepted reports after it was killed', async () => {
  const [first = '', second = ''] = await blocks()
  const program = withStore(first, second)
  const origin = await start(program)
  const accepted = await Promise.all(Array.from({ length: 8 }, () => submit(origin, 2)))
  expect(accepted.map(({ status }) => status)).toEqual(Array(8).fill(202))
  const [server] = servers
  const killed = once(server as ChildProcess, 'exit')
  server?.kill('SIGKILL')
  await killed
  const again = await start(program)
  for (const { headers } of accepted) {
    expect(await end(`${again}${headers.get('location')}`)).toMatchObject({ status: 'succeeded', result: { pages: 2 } })
  }
})

it.skipIf(!hasRedis)('shows in a second process the tickets of the first, by Redis', async () => {
  const redis = await redisServer()
  const [first = '', , third = ''] = await blocks()
  const program = withMirror(first, third, `redis://127.0.0.1:${redis.port}`)
  const origin = await start(program)
  const other = await start(program)
  const { headers } = await submit(origin, 2)
  const path = headers.get('location')
  await expect.poll(async () => (await fetch(`${other}${path}`)).status, { timeout: 60_000 }).toBe(200)
  expect(await end(`${other}${path}`)).toMatchObject({ status: 'succeeded', result: { pages: 2 } })
})
