/** A poller for long-running operations from a cloud SDK, with the unchanged routes. */
import { createHttpPoller, type OperationResponse, type OperationState } from '@azure/core-lro'
import type { TicketStatus } from 'coatcheck/http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { rejection } from '../support/pools.js'
import { operation } from './support/operation.js'
import { realServer, until } from './support/real-server.js'
import { quiet } from './support/scripted-server.js'

type Progress = OperationState<TicketStatus>

afterEach(() => {
  vi.useRealTimers()
})

describe('the poller of @azure/core-lro', () => {
  it('follows a ticket to the result of its task', async () => {
    const { origin, begun, lines } = await realServer()
    const poller = createHttpPoller<TicketStatus, Progress>(operation(origin))
    await poller.submitted()
    expect(poller.operationState?.status).toBe('running')
    await poller.poll()
    expect(poller.operationState?.status).toBe('running')
    await until(() => begun.length === 1)
    begun[0]?.open({ url: '/200.png' })
    expect((await poller.pollUntilDone()).result).toEqual({ url: '/200.png' })
    expect(poller.operationState?.status).toBe('succeeded')
    expect(lines[0]).toBe('POST /tasks')
    expect(new Set(lines.slice(1))).toEqual(new Set(['GET /tasks/ticket']))
  })

  it('waits between two polls as Retry-After states', async () => {
    const { origin, begun, lines } = await realServer({ pollAfterMs: 7_000 })
    const poller = createHttpPoller<TicketStatus, Progress>(operation(origin))
    await poller.submitted()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let polls = 0
    poller.onProgress(() => void polls++)
    const done = poller.pollUntilDone()
    await until(() => polls === 1)
    await quiet()
    begun[0]?.open('done')
    vi.advanceTimersByTime(6_999)
    await quiet()
    expect(lines).toHaveLength(2)
    vi.advanceTimersByTime(1)
    expect((await done).result).toBe('done')
  })

  it('ends with the error of a task that failed', async () => {
    const { origin, begun } = await realServer()
    const poller = createHttpPoller<TicketStatus, Progress>(operation(origin))
    await poller.submitted()
    await until(() => begun.length === 1)
    begun[0]?.fail(Object.assign(new Error('the picture is too wide'), { expose: true, code: 'TOO_WIDE' }))
    expect(await rejection(poller.pollUntilDone())).toEqual(
      new Error('The long-running operation has failed. TOO_WIDE. the picture is too wide')
    )
    expect(poller.operationState?.status).toBe('failed')
  })

  it('ends when the task was canceled', async () => {
    const { origin, begun, pool } = await realServer()
    const poller = createHttpPoller<TicketStatus, Progress>(operation(origin))
    await poller.submitted()
    await until(() => begun.length === 1)
    pool.cancel(begun[0]?.context.id ?? '')
    expect(await rejection(poller.pollUntilDone())).toEqual(new Error('Operation was canceled'))
    expect(poller.operationState?.status).toBe('canceled')
  })

  it('continues in another process from its saved state', async () => {
    const { origin, begun } = await realServer()
    const poller = createHttpPoller<TicketStatus, Progress>(operation(origin))
    const restoreFrom = await poller.serialize()
    const again = createHttpPoller<TicketStatus, Progress>(operation(origin), { restoreFrom })
    await until(() => begun.length === 1)
    begun[0]?.open('still there')
    expect((await again.pollUntilDone()).result).toBe('still there')
  })

  it('gets absolute URLs with a publicUrl', async () => {
    const { origin, begun } = await realServer({ publicUrl: 'https://tickets.example.org' })
    const { sendInitialRequest, sendPollRequest } = operation(origin)
    const sent: string[] = []
    const poller = createHttpPoller<TicketStatus, Progress>({
      sendInitialRequest,
      sendPollRequest: (url) => {
        sent.push(url)
        return sendPollRequest(new URL(url).pathname) as Promise<OperationResponse<TicketStatus>>
      }
    })
    await poller.submitted()
    await until(() => begun.length === 1)
    begun[0]?.open('found')
    await poller.pollUntilDone()
    for (const url of sent) expect(url).toMatch(/^https:\/\/tickets\.example\.org\/tasks\/[\w-]{28}$/)
    expect(sent).not.toEqual([])
  })
})
