import { createHttpPoller, type OperationState } from '@azure/core-lro'
import { submit } from 'coatcheck/client'
import type { TicketStatus } from 'coatcheck/http'
import { EventSource } from 'eventsource'
import { describe, expect, it, onTestFinished } from 'vitest'
import { operation } from '../client/support/operation.js'
import { alternating, instances } from './support/instances.js'
import { hasRedis } from './support/pools.js'

describe.skipIf(!hasRedis)('with requests that reach one instance and the other in turn', () => {
  it('the client gets its result', async () => {
    const { a, b, done } = await instances()
    done.open()
    const { origin, reached } = await alternating(a, b)
    expect(await submit(`${origin}/tasks`, { n: 5 })).toBe(10)
    expect(reached.slice(0, 2)).toEqual(['a POST', 'b GET'])
  })

  it('the poller of @azure/core-lro follows a ticket to the result of its task', async () => {
    const { a, b, begun, done } = await instances()
    const { origin, reached } = await alternating(a, b)
    const poller = createHttpPoller<TicketStatus, OperationState<TicketStatus>>(operation(origin, { n: 6 }))
    await poller.submitted()
    await begun
    await poller.poll()
    expect(poller.operationState?.status).toBe('running')
    await poller.poll()
    done.open()
    expect((await poller.pollUntilDone()).result).toBe(12)
    expect(reached.slice(0, 4)).toEqual(['a POST', 'b GET', 'a GET', 'b GET'])
  })

  it('an EventSource gets the changes, and goes on with the other instance when its connection breaks', async () => {
    const { a, b, begun, done } = await instances()
    const { origin, reached, disconnect } = await alternating(a, b)
    const headers = { 'content-type': 'application/json' }
    const accepted = await fetch(`${origin}/tasks`, { method: 'POST', headers, body: '{"n":7}' })
    const { links } = (await accepted.json()) as TicketStatus
    await begun
    const source = new EventSource(`${origin}${links.events}`)
    onTestFinished(() => source.close())
    const seen: TicketStatus[] = []
    source.addEventListener('status', ({ data }) => void seen.push(JSON.parse(data) as TicketStatus))
    await expect.poll(() => seen.at(-1)?.progress).toEqual({ ratio: 0.5, message: 'half' })
    disconnect()
    await expect.poll(() => reached.length).toBe(3)
    done.open()
    await expect.poll(() => seen.at(-1)).toMatchObject({ status: 'succeeded', result: 14 })
    const revisions = seen.map(({ revision }) => revision)
    expect(revisions).toEqual(revisions.toSorted((one, other) => one - other))
    await expect.poll(() => source.readyState).toBe(EventSource.CLOSED) // the answer to its next connection is 204
    expect(reached).toEqual(['a POST', 'b GET', 'a GET', 'b GET'])
  })
})
