import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TicketStatus } from 'coatcheck/http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/** A program of the README, on a free port of loopback that it prints, with work that lasts until SIGUSR2. */
async function program(index: number): Promise<string> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const [, code = ''] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)][index] ?? []
  const port = '{ port: 3000 }'
  const work = "setTimeout(done, 1_000, 'a report')"
  expect(code).toContain(port)
  expect(code).toContain(work)
  return `const released = new Promise<void>((resolve) => process.once('SIGUSR2', () => resolve()))
${code.replace(port, "{ port: 0, host: '127.0.0.1' }").replace(work, "released.then(() => done('a report'))")}
server.once('listening', () => console.log(JSON.stringify(server.address())))`
}

describe.each([
  ['at the top of the README', 0],
  ['for Express in the README', 1]
])('the server %s', (_, index) => {
  let folder: string
  let server: ChildProcess
  let origin: string

  beforeEach(async () => {
    const root = new URL('..', import.meta.url).pathname
    folder = await mkdtemp(join(root, 'test', '.readme-'))
    await writeFile(join(folder, 'server.mts'), await program(index))
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

  const submit = (): Promise<Response> =>
    fetch(`${origin}/tasks`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })

  const read = async (path: string): Promise<TicketStatus> =>
    (await (await fetch(`${origin}${path}`)).json()) as TicketStatus

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'accepts, refuses, shows the ticket, and on %s ends with code 0 when all is done',
    async (signal) => {
      const answers = await Promise.all(Array.from({ length: 120 }, submit))
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(110)
      const refused = answers.filter(({ status }) => status === 503)
      expect(refused).toHaveLength(10)
      expect(refused[0]?.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await refused[0]?.json()).toMatchObject({ code: 'QUEUE_FULL', status: 503 })

      const accepted = answers.find(({ status }) => status === 202)
      const path = accepted?.headers.get('location') ?? ''
      expect(['queued', 'running']).toContain((await read(path)).status)
      expect((await fetch(`${origin}/tasks/nobody`)).status).toBe(404)

      const ended = once(server, 'exit')
      server.kill(signal)
      for (;;) if ((await submit()).status === 503 && (await fetch(`${origin}/readyz`)).status === 503) break
      expect(['queued', 'running']).toContain((await read(path)).status) // tickets are served while it stops
      server.kill('SIGUSR2')
      const last = fetch(`${origin}${path}`, { headers: { prefer: 'wait=20' } })
      expect(await (await last).json()).toMatchObject({ status: 'succeeded', result: 'a report' })
      const [code, killedBy] = await ended
      expect({ code, killedBy }).toEqual({ code: 0, killedBy: null })
    }
  )

  it('cuts short what does not end in its grace with a second signal, a second later: code 1', async () => {
    expect((await submit()).status).toBe(202)
    const ended = once(server, 'exit')
    server.kill('SIGINT')
    const begun = performance.now()
    while (performance.now() - begun < 1_100) await fetch(`${origin}/livez`)
    server.kill('SIGINT')
    const [code, killedBy] = await ended
    expect({ code, killedBy }).toEqual({ code: 1, killedBy: null })
  })
})
