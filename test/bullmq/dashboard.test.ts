import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TaskContext, WorkerPool } from 'coatcheck'
import type { SharedPool } from 'coatcheck/bullmq'
import { type DashboardOptions, type DashboardPool, dashboard } from 'coatcheck/dashboard'
import { ticketRoutes } from 'coatcheck/http'
import { nodeListener } from 'coatcheck/node-http'
import { chromium } from 'playwright-core'
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest'
import { address } from '../../examples/demo/serve.js'
import type { SharedSnapshot } from '../../src/dashboard/shared/snapshot.js'
import { chromiumPath, launchOptions } from '../dashboard/support.js'
import { gate } from '../support/gate.js'
import { hasRedis, shared } from './support/pools.js'

/** Two processes that share a pool; tasks wait for the gate, or fail. */
const processes = async () => {
  const { open, server } = await shared()
  const done = gate()
  const work = async (_input: unknown, { signal }: TaskContext): Promise<void> => {
    await Promise.race([done.promise, new Promise((resolve) => signal.addEventListener('abort', resolve))])
    signal.throwIfAborted()
  }
  const jam = async (): Promise<never> => {
    throw Object.assign(new Error('no paper left'), { code: 'EPAPER' })
  }
  const handlers = { work, jam }
  const [front, worker] = [await open(handlers), await open(handlers)]
  return { front, worker: worker.start(), server, done }
}

/** A server with the dashboard of a pool. */
const served = async (
  pool: DashboardPool & Parameters<typeof ticketRoutes>[0],
  options: Partial<DashboardOptions> = {}
) => {
  const routes = dashboard(pool, ticketRoutes(pool), { authorize: 'loopback', ...options })
  const server = createServer(nodeListener(routes)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `${address(server)}/dashboard`
  const post = async (path: string) => (await fetch(url + path, { method: 'POST' })).status
  return { url, post }
}

/** What a page receives, until `isWanted`; throws when the stream ends before. */
const until = async (url: string, isWanted: (snapshot: SharedSnapshot) => boolean): Promise<SharedSnapshot> => {
  const { body } = await fetch(`${url}/events`)
  let text = ''
  for await (const piece of body!.pipeThrough(new TextDecoderStream())) {
    text += piece
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1]
      if (data === undefined) continue
      const snapshot = JSON.parse(data) as SharedSnapshot
      if (isWanted(snapshot)) return snapshot
    }
  }
  throw new Error('the stream has ended')
}

it('The dashboard takes a pool of this process, and one that machines share', () => {
  expectTypeOf<WorkerPool>().toExtend<DashboardPool>()
  expectTypeOf<SharedPool<{ work: (input: number) => void }>>().toExtend<DashboardPool>()
  expectTypeOf<Pick<SharedPool, 'stats' | 'cancel'>>().not.toExtend<DashboardPool>()
})

describe.skipIf(!hasRedis)('the dashboard of a shared pool', () => {
  it('shows the tasks of all processes in one that runs none', async () => {
    const { front } = await processes()
    const { url } = await served(front)
    const failed = await front.queueTask('jam', undefined)
    await failed.settled()
    const running = await front.queueTask('work', {}, { metadata: { label: 'annual report' }, key: 'acme' })
    await front.queueTask('work', {})
    const waiting = [await front.queueTask('work', {}), await front.queueTask('work', {})]
    await front.queueTask('work', {}, { delayMs: 3_600_000 })
    const seen = await until(
      url,
      ({ running, queued, ...lists }) =>
        running === 2 && queued === 2 && lists.runningTasks.length === 2 && lists.queuedTasks.length === 3
    )

    expect(seen).toMatchObject({
      ...{ name: 'test', state: 'running', delayed: 1, retained: 1, stuck: 0, isStale: false },
      here: { works: false, running: 0, concurrency: 2 },
      totals: { succeeded: 0, failed: 0, canceled: 0 },
      condition: { name: 'healthy', detail: '2 tasks running, 2 queued in all processes, 1 to be started later' }
    })
    expect(seen.runningTasks).toMatchObject([
      { id: running.id, label: 'annual report', key: 'acme', attempt: 1, startedAt: expect.any(String) },
      { label: 'work', key: null }
    ])
    expect(seen.queuedTasks).toHaveLength(3)
    expect(seen.queuedTasks.map(({ id }) => id)).toEqual(expect.arrayContaining(waiting.map(({ id }) => id)))
    expect(seen.failures).toMatchObject([{ id: failed.id, label: 'jam', code: 'EPAPER', message: 'no paper left' }])
  })

  it('shows what this process does as such', async () => {
    const { front, worker, done } = await processes()
    const { url } = await served(worker)
    for (let n = 0; n < 3; n++) await front.queueTask('work', {})
    const busy = await until(url, ({ condition }) => condition.name === 'busy')
    expect(busy.here).toEqual({ works: true, running: 2, concurrency: 2 })
    done.open()
    const after = await until(url, ({ totals, retained }) => totals.succeeded === 3 && retained === 3)
    expect(after.here.running).toBe(0)
  })

  it('cancels tasks wherever they are, and states what that did', async () => {
    const { front, done } = await processes()
    const { url, post } = await served(front)
    const [first, second] = [await front.queueTask('work', {}), await front.queueTask('work', {})]
    await until(url, ({ runningTasks }) => runningTasks.length === 2)
    const third = await front.queueTask('work', {})
    expect(await post(`/cancel?ticket=${third.id}`)).toBe(200)
    expect(await post(`/cancel?ticket=${first.id}`)).toBe(202)
    expect(await post('/cancel?ticket=nobody')).toBe(404)
    await first.settled()
    done.open()
    await second.settled()
    expect(await post(`/cancel?ticket=${second.id}`)).toBe(409)
    expect((await first.record())?.state).toBe('canceled')
  })

  it('states that Redis is not reached, and shows the figures again when it is back', async () => {
    const { front, server } = await processes()
    const errors: unknown[] = []
    const { url, post } = await served(front, { onError: (error) => errors.push(error) })
    const task = await front.queueTask('work', {})
    await until(url, ({ running }) => running === 1)
    await server.kill()
    const away = await until(url, ({ condition }) => condition.name === 'the store is not reached')
    expect(away).toMatchObject({ isStale: true, here: { running: 0 }, condition: { tone: 'bad' } })
    expect(away.condition.detail).toContain('Redis does not answer as it should.')
    expect(await post(`/cancel?ticket=${task.id}`)).toBe(503)
    expect(errors).toMatchObject([{ code: 'ERR_STORE' }])
    await server.start()
    const back = await until(url, ({ isStale, running }) => !isStale && running !== undefined)
    expect(back.condition.name).toBe('healthy')
  })

  it('stops this process and no other', async () => {
    const { front, worker, done } = await processes()
    const { url, post } = await served(worker, { stop: () => void worker.stop() })
    const task = await front.queueTask('work', {})
    await until(url, ({ here }) => here.running === 1)
    expect(await post('/stop')).toBe(202)
    const stopping = await until(url, ({ state }) => state === 'stopping')
    expect(stopping.condition.detail).toBe('this process takes no more tasks, 1 task to go here')
    const stopped = until(url, ({ state }) => state === 'stopped')
    done.open()
    expect((await stopped).condition.detail).toBe('1 task ended in this process, other processes are no longer shown')
    expect(await task.result()).toBeUndefined()
    expect(front.state).toBe('running')
  })
})

describe.skipIf(!hasRedis || chromiumPath === undefined)('the dashboard of a shared pool in a browser', () => {
  it('has what all processes have and what this one has, a dash for nothing and no zero', async () => {
    const { front, worker, server, done } = await processes()
    const { url } = await served(worker, { stop: () => {} })
    for (const label of ['annual report', 'letter', 'poster', 'index']) {
      await front.queueTask('work', {}, { metadata: { label } })
    }
    const browser = await chromium.launch(launchOptions)
    onTestFinished(() => browser.close())
    const page = await browser.newPage({ viewport: { width: 1040, height: 600 } })
    page.setDefaultTimeout(0)
    const errors: string[] = []
    page.on('pageerror', (error) => void errors.push(String(error)))
    await page.goto(url)
    await page.locator('#condition').getByText('Busy all 2 workers of this process are occupied').waitFor()
    await page.locator('#running').getByText('2', { exact: true }).waitFor()
    await page.locator('#here').getByText('2 of 2 workers of this process').waitFor()
    await page.getByRole('region', { name: 'Queued all processes' }).getByText('2', { exact: true }).waitFor()
    await page.getByRole('region', { name: 'Outcomes this process' }).waitFor()
    const queued = page.getByRole('list', { name: 'Queued tasks' }).getByRole('listitem')
    expect((await queued.locator('.label').allInnerTexts()).toSorted()).toEqual(['index', 'poster'])
    for (const hidden of ['Durations', 'Keys']) expect(await page.getByRole('region', { name: hidden }).count()).toBe(0)
    for (const row of ['Waiting', 'Refused', 'Accepted']) {
      expect(await page.getByRole('row', { name: row }).count()).toBe(0)
    }

    await page.getByRole('button', { name: 'Stop this process' }).click()
    await page.getByRole('dialog', { name: 'Stop this process?' }).getByText('which are not stopped').waitFor()
    await page.getByRole('button', { name: 'Keep it running' }).click()

    await page.getByRole('button', { name: 'Cancel poster' }).click()
    await page.getByRole('status').getByText('Canceled poster').waitFor()
    await queued.filter({ hasText: 'poster' }).waitFor({ state: 'detached' })
    await server.kill()
    await page.locator('#condition-name').getByText('the store is not reached').waitFor()
    await page.locator('#running').getByText('2', { exact: true }).waitFor()
    await page.goto((await served(front)).url) // nothing was read there before
    await page.locator('#condition-name').getByText('the store is not reached').waitFor()
    await page.locator('#running').getByText('–').waitFor()
    await page.locator('#here').getByText('this process runs no tasks').waitFor()
    await page.goto(url)
    await server.start()
    await page.locator('#condition-name').getByText('busy').waitFor()
    done.open()
    await page.locator('#condition-name').getByText('healthy').waitFor()
    expect(errors).toEqual([])
  })
})
