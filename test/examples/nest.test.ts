/** The application of docs/nest.md, with work that lasts. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TicketStatus } from 'coatcheck/http'
import { expect, it, onTestFinished } from 'vitest'
import { printPort } from '../package/print-port.js'
import { programsOf } from '../package/programs.js'
import { root } from '../package/run.js'

it('answers what the controller queues with tickets, and a full queue with 503', async () => {
  const folder = await mkdtemp(join(root, 'test', '.nest-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const [code = ''] = programsOf(await readFile(join(root, 'docs', 'nest.md'), 'utf8'))
  const work = '=> ({ pages }) }'
  expect(code).toContain(work)
  await writeFile(join(folder, 'server.mts'), code.replace(work, '=> new Promise(() => void pages) }'))
  await writeFile(join(folder, 'print-port.mjs'), printPort)
  const compilerOptions = { experimentalDecorators: true }
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['*.mts'] })
  )

  const server = spawn(process.execPath, ['--import', 'tsx', '--import', './print-port.mjs', 'server.mts'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  onTestFinished(() => void server.kill('SIGKILL'))
  const ported = new Promise<string>((resolve) => {
    createInterface({ input: server.stdout }).on('line', (line) => {
      const [, port] = /^port (\d+)$/.exec(line) ?? []
      if (port !== undefined) resolve(port)
    })
  })
  const port = await Promise.race([ported, once(server, 'exit').then(() => Promise.reject(new Error('it has ended')))])
  const origin = `http://127.0.0.1:${port}`

  const answers = await Promise.all(
    Array.from({ length: 30 }, () =>
      fetch(`${origin}/reports`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"pages":3}'
      })
    )
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(24).fill(202), ...Array(6).fill(503)])
  const refusal = answers.find(({ status }) => status === 503)
  expect(refusal?.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(await refusal?.json()).toMatchObject({ code: 'QUEUE_FULL' })
  const path = answers.find(({ status }) => status === 202)?.headers.get('location')
  const status = (await (await fetch(`${origin}${path}`)).json()) as TicketStatus
  expect(['queued', 'running']).toContain(status.status)
})
