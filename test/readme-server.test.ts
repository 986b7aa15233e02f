import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TaskRecord } from '../src/index.js'

/** The first program of the README, on a free port of loopback that it prints, with work that lasts until SIGUSR2. */
async function program(): Promise<string> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  const port = '.listen(3000)'
  const work = "setTimeout(done, 1_000, 'a report')"
  expect(code).toContain(port)
  expect(code).toContain(work)
  return `const released = new Promise<void>((resolve) => process.once('SIGUSR2', () => resolve()))
${code
  .replace(port, ".listen(0, '127.0.0.1', () => console.log(JSON.stringify(server.address())))")
  .replace(work, "released.then(() => done('a report'))")}`
}

describe('the server at the top of the README', () => {
  let folder: string
  let server: ChildProcess
  let origin: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coatcheck-readme-'))
    await writeFile(join(folder, 'server.mts'), await program())
    const root = new URL('..', import.meta.url).pathname
    server = spawn(process.execPath, ['--import', 'tsx', join(folder, 'server.mts')], {
      cwd: root,
      env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'tsconfig.json') },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream })
    const [line] = (await once(lines, 'line')) as [string]
    origin = `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`
  })

  afterEach(async () => {
    server.kill('SIGKILL')
    await rm(folder, { recursive: true })
  })

  const submit = (): Promise<Response> => fetch(origin, { method: 'POST', headers: { connection: 'close' } })

  it('accepts, refuses, shows the ticket, and on SIGTERM ends with code 0 when all is done', async () => {
    const answers = await Promise.all(Array.from({ length: 120 }, submit))
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(110)
    const refused = answers.filter(({ status }) => status === 503)
    expect(refused).toHaveLength(10)
    expect(refused[0]?.headers.get('retry-after')).toBe('5')
    expect(await refused[0]?.json()).toMatchObject({ code: 'ERR_QUEUE_FULL', concurrency: 10, queueCapacity: 100 })

    const accepted = answers.find(({ status }) => status === 202) as Response
    const { id } = (await accepted.json()) as TaskRecord
    const status = await fetch(`${origin}/${id}`, { headers: { connection: 'close' } })
    expect(status.status).toBe(200)
    expect(['queued', 'running']).toContain(((await status.json()) as TaskRecord).state)
    expect((await fetch(`${origin}/nobody`, { headers: { connection: 'close' } })).status).toBe(404)

    server.kill('SIGUSR2')
    server.kill('SIGTERM')
    const [code, signal] = await once(server, 'exit')
    expect({ code, signal }).toEqual({ code: 0, signal: null })
  })
})
