/** The examples as real processes: what they print works, and SIGTERM ends them as they say. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { TicketStatus } from 'coatcheck/http'
import { afterEach, describe, expect, it } from 'vitest'
import { eventBlock } from './support/event-reader.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

const TIMEOUT = 180_000

class Program {
  readonly lines: string[] = []
  readonly errors: string[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown[]>
  readonly #waiters = new Set<() => void>()
  #hasClosed = false

  constructor(file: string, args: readonly string[], command = [process.execPath, '--import', 'tsx']) {
    const [program = '', ...rest] = command
    this.#child = spawn(program, [...rest, file, ...args], {
      cwd: root,
      env: { ...process.env, HOST: '127.0.0.1', PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.#ended = once(this.#child, 'close')
    this.#child.once('close', () => {
      this.#hasClosed = true
    })
    this.#read(this.#child.stdout, this.lines)
    this.#read(this.#child.stderr, this.errors)
  }

  /** The first line that matches, now or later. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      for (const line of this.lines) {
        const found = pattern.exec(line)
        if (found !== null) return found
      }
      if (this.#hasClosed) throw new Error(`it ended without ${pattern}: ${this.errors.join('\n')}`)
      await Promise.race([new Promise<void>((resolve) => this.#waiters.add(resolve)), this.#ended])
    }
  }

  async url(): Promise<string> {
    return (await this.line(/^listening on (http:\/\/127\.0\.0\.1:\d+)$/))[1]!
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async exitCode(): Promise<unknown> {
    return (await this.#ended)[0]
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL')
    await this.#ended
  }

  #read(stream: NodeJS.ReadableStream | null, lines: string[]): void {
    createInterface({ input: stream! }).on('line', (line) => {
      lines.push(line)
      for (const wake of this.#waiters) wake()
      this.#waiters.clear()
    })
  }
}

const programs: Program[] = []

const run = (file: string, ...args: readonly string[]): Program => {
  const program = new Program(file, args)
  programs.push(program)
  return program
}

afterEach(async () => {
  await Promise.all(programs.splice(0).map((program) => program.end()))
})

const handIn = async (url: string, body: unknown): Promise<string> => {
  const response = await fetch(`${url}/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })
  expect(response.status).toBe(202)
  return ((await response.json()) as TicketStatus).id
}

const statusOf = async (url: string, id: string): Promise<TicketStatus> =>
  (await (await fetch(`${url}/tasks/${id}`)).json()) as TicketStatus

/** Asks until the ticket is done. */
const endOf = async (url: string, id: string): Promise<TicketStatus> => {
  for (;;) {
    const status = await statusOf(url, id)
    if (status.done) return status
  }
}

/** What a printed curl line would send. */
const sent = (line: string): readonly [url: string, init: RequestInit] => {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  const after = (flag: string): string | undefined => {
    const at = words.indexOf(flag)
    return at === -1 ? undefined : words[at + 1]
  }
  const [name, value] = (after('-H') ?? '').split(': ')
  const url = words.find((word) => word.startsWith('http://'))!
  const headers: Record<string, string> = name !== undefined && value !== undefined ? { [name]: value } : {}
  return [url, { method: after('-X') ?? 'GET', headers, body: after('-d') ?? null }]
}

const servers = ['node-http', 'express', 'fastify', 'hono'].map((name) => `examples/${name}.ts`)

describe.each([...servers, 'examples/graceful-shutdown.ts'])('%s', (file) => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'takes work, shows its ticket, and on %s ends with code 0 when all is done',
    {
      timeout: TIMEOUT
    },
    async (signal) => {
      const program = run(file)
      const [, port = ''] = await program.line(/^listening on .*\bport: (\d+)/)
      const url = `http://127.0.0.1:${port}`
      const ids = await Promise.all([handIn(url, {}), handIn(url, {})])
      expect(['queued', 'running']).toContain((await statusOf(url, ids[0])).status)
      const told = await follow(url, ids[0])
      program.signal(signal)
      expect((await told()).map(({ status, done }) => `${status} ${done}`)).toEqual([
        'succeeded true',
        'succeeded true'
      ])
      expect(await program.exitCode()).toBe(0)
      expect(program.errors).toEqual([])
    }
  )
})

describe('examples/graceful-shutdown.ts', () => {
  it('says at once that it is not ready, and takes work for the delay', { timeout: TIMEOUT }, async () => {
    const program = run('examples/graceful-shutdown.ts')
    const [, port = ''] = await program.line(/^listening on .*\bport: (\d+)/)
    const url = `http://127.0.0.1:${port}`
    program.signal('SIGTERM')
    while ((await fetch(`${url}/readyz`)).status === 200) await fetch(`${url}/livez`)
    const id = await handIn(url, {})
    expect((await endOf(url, id)).status).toBe('succeeded')
    expect(await program.exitCode()).toBe(0)
    await program.line(/^stopped, close databases here: .*submitted: 1|^ {2}submitted: 1/)
  })
})

describe('examples/express.ts', () => {
  it('answers a full queue in a route of its own with 503', { timeout: TIMEOUT }, async () => {
    const program = run('examples/express.ts')
    const [, port = ''] = await program.line(/^listening on .*\bport: (\d+)/)
    const url = `http://127.0.0.1:${port}/mails`
    const statuses: number[] = []
    let full: Response | undefined
    // Its tasks take a second: on a busy machine places are freed while they are taken.
    while (full === undefined) {
      const responses = await Promise.all(Array.from({ length: 120 }, () => fetch(url, { method: 'POST' })))
      statuses.push(...responses.map(({ status }) => status))
      full = responses.find(({ status }) => status === 503)
    }
    expect(statuses.filter((status) => status === 202).length).toBeGreaterThanOrEqual(110)
    expect(new Set(statuses)).toEqual(new Set([202, 503]))
    expect(await full.json()).toMatchObject({ code: 'QUEUE_FULL' })
  })
})

describe('npm run demo -- --serve', () => {
  it('serves what it prints, and ends well on SIGTERM', { timeout: TIMEOUT }, async () => {
    const program = run('examples/demo.ts', '--serve', '--grace-ms', '0')
    const url = await program.url()
    const [, queueTask = ''] = await program.line(/^ {2}(curl .*\/queue-task .*)$/)
    const response = await fetch(...sent(queueTask))
    expect(response.status).toBe(202)
    const text = await response.text()
    expect(text).toContain('"status":"task queued successfully"')
    const { id } = JSON.parse(text) as { readonly id: string }

    const [, tasks = ''] = await program.line(/^ {2}(curl .*\/tasks -H .*)$/)
    expect((await fetch(...sent(tasks))).status).toBe(202)
    const [, user = ''] = await program.line(/^ {2}(curl .*user_id.*)$/)
    expect(await (await fetch(...sent(user))).text()).toBe('queuing user process: 1')
    const [, look = ''] = await program.line(/^ {2}(curl -i \S+\/tasks\/ID)$/)
    expect((await fetch(...sent(look.replace('ID', id)))).status).toBe(200)
    const [, cancel = ''] = await program.line(/^ {2}(curl .*-X DELETE .*)$/)
    expect((await fetch(...sent(cancel.replace('ID', id)))).status).toBe(202)
    expect((await endOf(url, id)).status).toBe('canceled')

    program.signal('SIGTERM')
    await program.line(/^stopped: 3 of 3 accepted tickets ended: 0 succeeded, 0 failed, 3 canceled$/)
    expect(await program.exitCode()).toBe(1) // no grace: two were cut short
  })
})

/** Opens a stream and a long poll for a ticket; gives what reads of both what they were told last. */
const follow = async (url: string, id: string): Promise<() => Promise<readonly TicketStatus[]>> => {
  const events = await fetch(`${url}/tasks/${id}/events`)
  const poll = fetch(`${url}/tasks/${id}`, { headers: { prefer: 'wait=25' } })
  const { done } = await statusOf(url, id) // by now the one before has arrived as well
  return async () => {
    const blocks = (await events.text()).split('\n\n').filter((text) => text.includes('data: '))
    const answer = await poll
    // On a very busy machine the task may have ended before the poll arrived.
    if (!done) expect(answer.headers.get('preference-applied')).toBe('wait=25')
    return [eventBlock(blocks.at(-1)!).status!, (await answer.json()) as TicketStatus]
  }
}

describe('SIGTERM to a server', () => {
  const GRACE_MS = 17_000
  const PLATFORM_MS = 30_000

  it('that is idle ends it with code 0, long before its grace is over', { timeout: TIMEOUT }, async () => {
    const program = run('examples/demo.ts', '--serve')
    const url = await program.url()
    expect((await fetch(`${url}/readyz`)).status).toBe(200) // and its connection stays open
    const begun = performance.now()
    program.signal('SIGTERM')
    expect(await program.exitCode()).toBe(0)
    expect(performance.now() - begun).toBeLessThan(GRACE_MS)
    await program.line(/^stopped: 0 of 0 accepted tickets ended/)
    expect(program.errors).toEqual([])
  })

  it('that is busy, sent three times at once, is one: every ticket ends well, code 0', {
    timeout: TIMEOUT
  }, async () => {
    const program = run('examples/demo.ts', '--serve')
    const url = await program.url()
    const id = await handIn(url, { label: 'busy', work: '2s' })
    const told = await follow(url, id)
    const begun = performance.now()
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) program.signal(signal)
    expect((await told()).map(({ status, done }) => `${status} ${done}`)).toEqual(['succeeded true', 'succeeded true'])
    expect(await program.exitCode()).toBe(0)
    expect(performance.now() - begun).toBeLessThan(PLATFORM_MS)
    await program.line(/^stopped: 1 of 1 accepted tickets ended: 1 succeeded, 0 failed, 0 canceled$/)
    expect(program.lines.filter((line) => line.startsWith('stopping'))).toHaveLength(1)
    expect(program.errors).toEqual([])
  })

  it('whose task hangs ends it with code 1 when its times are over, the ticket told as failed', {
    timeout: TIMEOUT
  }, async () => {
    const program = run('test/http/support/deaf-server.ts', '--grace-ms', '1000', '--force-ms', '100')
    const url = await program.url()
    const id = await handIn(url, {})
    const told = await follow(url, id)
    const begun = performance.now()
    program.signal('SIGTERM')
    const last = await told()
    expect(last.map(({ status, error }) => `${status} ${error?.code}`)).toEqual(
      Array(2).fill('failed TASK_INTERRUPTED')
    )
    expect((await statusOf(url, id)).status).toBe('failed') // the last call
    expect(await program.exitCode()).toBe(1)
    const tookMs = performance.now() - begun
    expect(tookMs).toBeGreaterThan(1_100)
    expect(tookMs).toBeLessThan(PLATFORM_MS)
    await program.line(/^stopped: 1 lost, 1 interrupted$/)
    expect(program.errors).toEqual([])
  })

  it('whose task hangs, sent again a second later, ends it at once with code 1', { timeout: TIMEOUT }, async () => {
    const program = run('test/http/support/deaf-server.ts')
    const url = await program.url()
    const id = await handIn(url, {})
    program.signal('SIGTERM')
    while ((await fetch(`${url}/readyz`)).status === 200) await statusOf(url, id)
    const begun = performance.now()
    while (performance.now() - begun < 1_000) await statusOf(url, id)
    program.signal('SIGTERM')
    expect(await program.exitCode()).toBe(1)
    expect(performance.now() - begun).toBeLessThan(GRACE_MS)
    expect(program.lines.some((line) => line.startsWith('stopped'))).toBe(false)
  })
})

describe('npm run demo -- --serve', () => {
  it('finishes what it accepted when the load fits the grace: exit code 0', { timeout: TIMEOUT }, async () => {
    const program = run('examples/demo.ts', '--serve')
    const url = await program.url()
    const ids = await Promise.all(
      Array.from({ length: 25 }, (_, index) => handIn(url, { label: `${index}`, work: '200ms' }))
    )
    program.signal('SIGTERM')
    const ends = await Promise.all(ids.map((id) => endOf(url, id)))
    expect(ends.map(({ status }) => status)).toEqual(Array(25).fill('succeeded'))
    expect(await program.exitCode()).toBe(0)
    await program.line(/^stopped: 25 of 25 accepted tickets ended: 25 succeeded, 0 failed, 0 canceled$/)
    await program.line(/0 unstarted, 0 aborted, 0 interrupted/)
    expect(program.errors).toEqual([])
  })

  it('brings every ticket to an end when the load does not fit: exit code 1', { timeout: TIMEOUT }, async () => {
    const program = run('examples/demo.ts', '--serve', '--grace-ms', '100')
    const url = await program.url()
    const ids = await Promise.all(Array.from({ length: 14 }, () => handIn(url, { work: '60s' })))
    program.signal('SIGTERM')
    const ends = await Promise.all(ids.map((id) => endOf(url, id)))
    expect(ends.map(({ status, reason }) => `${status} ${reason}`)).toEqual(Array(14).fill('canceled pool_stopped'))
    expect(ends.filter(({ startedAt }) => startedAt === null)).toHaveLength(4)
    expect(await program.exitCode()).toBe(1)
    await program.line(/^stopped: 14 of 14 accepted tickets ended/)
    await program.line(/4 unstarted, 10 aborted, 0 interrupted/)
  })

  it('refuses what is beyond the bounds with 503 and Retry-After', { timeout: TIMEOUT }, async () => {
    const program = run('examples/demo.ts', '--serve')
    const url = await program.url()
    const responses = await Promise.all(
      Array.from({ length: 120 }, () =>
        fetch(`${url}/queue-task`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"task_id":"hello world","work_duration":"60s"}'
        })
      )
    )
    const busy = responses.filter(({ status }) => status === 503)
    expect(responses.filter(({ status }) => status === 202)).toHaveLength(110)
    expect(busy).toHaveLength(10)
    for (const response of busy) expect(response.headers.get('retry-after')).toBe('60')
  })

  it('ends at once when it is told a second time, a second later', { timeout: TIMEOUT }, async () => {
    const program = run('examples/demo.ts', '--serve')
    const url = await program.url()
    const id = await handIn(url, { work: '60s' })
    program.signal('SIGTERM')
    await program.line(/^stopping/)
    const begun = performance.now()
    while (performance.now() - begun < 1_100) await statusOf(url, id)
    program.signal('SIGTERM')
    expect(await program.exitCode()).toBe(1)
    expect(program.lines.some((line) => line.startsWith('stopped'))).toBe(false)
  })

  it.each([
    [['--port', '70000'], '--port must be at most 65535'],
    [['--port', '-1'], "'--port' argument"],
    [['--port', '1e3'], '--port must be a whole number'],
    [['--grace-ms', '-5s'], "'--grace-ms' argument"],
    [['--what'], "'--what'"]
  ])('says what is wrong with %j', { timeout: TIMEOUT }, async (args, message) => {
    const program = run('examples/demo.ts', '--serve', ...args)
    expect(await program.exitCode()).toBe(2)
    expect(program.errors.join('\n')).toContain(message)
    expect(program.errors.join('\n')).toContain('usage: npm run demo')
  })
})

describe('npm run demo -- --serve, by npm itself', () => {
  it('ends well when npm is told to end, which tells nobody', { timeout: TIMEOUT }, async () => {
    const program = new Program('--serve', [], ['npm', 'run', 'demo', '--'])
    programs.push(program)
    const url = await program.url()
    const id = await handIn(url, { label: 'short', work: '50ms' })
    await endOf(url, id)
    program.signal('SIGTERM')
    await program.line(/^ +nothing was lost$/)
    await program.exitCode()
    await expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed')
  })
})

describe('npm run demo', () => {
  it('shows it all in lines, balances its books, and exits 0', { timeout: TIMEOUT }, async () => {
    const program = run('examples/demo.ts')
    expect(await program.exitCode()).toBe(0)
    expect(program.errors).toEqual([])
    const text = program.lines.join('\n')
    expect(text).toMatch(/150 requests: 110 accepted, 40 refused with 503 and Retry-After/)
    expect(program.lines.filter((line) => line.startsWith('  ✓ '))).toHaveLength(8)
    expect(text).not.toMatch(/NOT SO/)
    expect(text.includes('\u001B')).toBe(false)
  })
})
