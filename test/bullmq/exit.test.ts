import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hasRedis, shared } from './support/pools.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Works until it is told to stop, and ends when nothing keeps it. */
const program = (port: number): string => `
  import { once } from 'node:events'
  import { sharedPool } from './src/bullmq/index.ts'
  const pool = await sharedPool({
    name: 'test', connection: { host: '127.0.0.1', port: ${port} }, concurrency: 2, queueCapacity: 10,
    handlers: { work: async () => 1 }
  })
  pool.start()
  await (await pool.queueTask('work')).result()
  console.log('works')
  await once(process.stdin, 'data')
  process.stdin.destroy()
  console.log(JSON.stringify(await pool.stop({ graceMs: 0, forceMs: 0 })))
`

describe.skipIf(!hasRedis)('a process whose pool has stopped ends by itself', () => {
  it.each([
    { redis: 'is there', lose: async () => {} },
    { redis: 'is away', lose: ({ kill }: { kill(): Promise<void> }) => kill() },
    { redis: 'hangs', lose: ({ freeze }: { freeze(): Promise<void> }) => freeze() }
  ])('when Redis $redis', async ({ lose }) => {
    const { server } = await shared()
    const args = ['--import', 'tsx', '--input-type=module', '--eval', program(server.port)]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    await expect.poll(() => output, { timeout: 20_000 }).toContain('works')
    await lose(server)
    child.stdin.write('stop\n')
    expect(await once(child, 'close')).toEqual([0, null])
    expect(output).toContain('"unrecorded":0')
  })
})
