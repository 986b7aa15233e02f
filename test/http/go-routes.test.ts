/** The routes of the two Go programs, and what guards a server on the loopback address: on all three servers. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { post, type RawReply, request } from './support/raw.js'
import { Sides } from './support/sides.js'

let sides: Sides

beforeEach(async () => {
  sides = await Sides.open({ pool: { concurrency: 1, queueCapacity: 1 } })
})

afterEach(() => sides.close())

const json = (reply: RawReply): Record<string, unknown> => JSON.parse(reply.body) as Record<string, unknown>

const queueTask = (body: unknown): Promise<RawReply> => sides.send(post('/queue-task', body))

const expectRefusal = (reply: RawReply, expected: number, code: string, error: string): void => {
  expect(reply.status).toBe(expected)
  expect(reply.headers.get('content-type')).toBe('application/json')
  expect(json(reply)).toMatchObject({ type: 'about:blank', status: expected, code, error })
}

describe('POST /queue-task', () => {
  it('answers as the article does, and gives the ticket', async () => {
    const reply = await queueTask('{"task_id":"hello world","work_duration":"60s"}')
    expect(reply.status).toBe(202)
    expect(reply.body).toContain('"status":"task queued successfully"')
    const { id } = json(reply)
    expect(json(reply)).toEqual({ status: 'task queued successfully', id: expect.any(String) })
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(reply.headers.get('location')).toBe(`/tasks/${id}`)
    expect(reply.headers.get('operation-location')).toBe(`/tasks/${id}`)
    expect(reply.headers.get('retry-after')).toBe('1')
    expect(reply.headers.has('content-location')).toBe(false)
    expect(reply.headers.has('etag')).toBe(false)
    await sides.each(({ gates }) => expect(gates.gate('hello world').work.workMs).toBe(60_000))
    expect(json(await sides.send(request(`GET /tasks/${id}`)))).toMatchObject({ name: 'queue-task', status: 'running' })
  })

  it('takes the same task_id again, and none', async () => {
    expect((await queueTask({ task_id: 'same', work_duration: '1s' })).status).toBe(202)
    expect((await queueTask({ task_id: 'same', work_duration: '1s' })).status).toBe(202)
    await sides.close()
    sides = await Sides.open()
    expect((await queueTask({ work_duration: '0' })).status).toBe(202)
    await sides.each(({ gates }) => expect(gates.gate('').work).toMatchObject({ label: '', workMs: 0 }))
  })

  it('refuses a body that it cannot read', async () => {
    const error = 'failed to read POST body'
    expectRefusal(await queueTask('{"task_id":'), 400, 'INVALID_BODY', error)
    expectRefusal(await queueTask(''), 400, 'INVALID_BODY', error)
    expectRefusal(await queueTask({ task_id: 7, work_duration: '1s' }), 400, 'INVALID_FIELD', error)
    expectRefusal(await queueTask({ task_id: null, work_duration: '1s' }), 400, 'INVALID_FIELD', error)
    const form = await sides.send(request('POST /queue-task', ['Content-Type: text/plain'], '{}'))
    expectRefusal(form, 415, 'UNSUPPORTED_MEDIA_TYPE', error)
    const large = await sides.send(post('/queue-task', { task_id: 'x'.repeat(70_000) }))
    expectRefusal(large, 413, 'BODY_TOO_LARGE', error)
    expect(large.headers.get('connection')).toBe('close')
    expect(sides.totals().submitted).toBe(0)
  })

  it('refuses what is no duration, and queues nothing', async () => {
    const durations = [
      '60',
      '1d',
      '-5s',
      '1000000h',
      '',
      ' 1s',
      '1s ',
      '1 s',
      '1e3s',
      's',
      '.s',
      'x'.repeat(65),
      60,
      null,
      ['1s']
    ]
    for (const duration of durations) {
      const reply = await queueTask({ task_id: 'a', work_duration: duration })
      expectRefusal(reply, 400, 'INVALID_FIELD', 'failed to parse work duration in request')
    }
    const absent = await queueTask({ task_id: 'a' })
    expectRefusal(absent, 400, 'INVALID_FIELD', 'failed to parse work duration in request')
    expect(sides.totals().submitted).toBe(0)
  })

  it('K9 says 60 seconds when the workers are busy', async () => {
    for (const label of ['a', 'b']) await queueTask({ task_id: label, work_duration: '1s' })
    const reply = await queueTask({ task_id: 'c', work_duration: '1s' })
    expectRefusal(reply, 503, 'QUEUE_FULL', 'workers are busy, try again later')
    expect(reply.headers.get('retry-after')).toBe('60')
    expect(json(reply)['retryAfterMs']).toBe(60_000)
    expect(sides.totals()).toMatchObject({ accepted: 2, refused: 1 })
  })

  it('says 5 seconds when the server is stopping', async () => {
    await queueTask({ task_id: 'deaf', work_duration: '1s' })
    await sides.each(({ app }) => void app.pool.stop({ graceMs: 10_000 }))
    const reply = await queueTask({ task_id: 'c', work_duration: '1s' })
    expectRefusal(reply, 503, 'POOL_STOPPED', 'failed to queue task')
    expect(reply.headers.get('retry-after')).toBe('5')
    await sides.each(({ gates }) => gates.end('deaf'))
  })
})

describe('GET /?user_id=', () => {
  it('queues the process of a user and says so in a text', async () => {
    const reply = await sides.send(request('GET /?user_id=1'))
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(reply.body).toBe('queuing user process: 1')
    expect(sides.totals().accepted).toBe(1)
  })

  it('refuses a request without a user', async () => {
    for (const target of ['/', '/?', '/?user_id=', '/?user=1', '/?USER_ID=1']) {
      const reply = await sides.send(request(`GET ${target}`))
      expect(reply.status, target).toBe(400)
      expect(reply.body).toBe("missing 'user_id' in query params")
    }
    expect(sides.totals().submitted).toBe(0)
  })

  it('K9 answers 503 when it is full, where the original says 500', async () => {
    for (const user of [1, 2]) await sides.send(request(`GET /?user_id=${user}`))
    const reply = await sides.send(request('GET /?user_id=3'))
    expect(reply.status).toBe(503)
    expect(reply.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect(json(reply)).toMatchObject({ code: 'QUEUE_FULL' })
  })
})

describe('a server on the loopback address', () => {
  it('answers only for hosts that are this machine', async () => {
    for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.0.0.1:65535', '[::1]', '[::1]:80']) {
      expect((await sides.send(request('GET /livez', [`Host: ${host}`]))).status, host).toBe(200)
    }
    const foreign = [
      'evil.example',
      'localhost.evil.example',
      'evil.example:80',
      '127.0.0.1.evil.example',
      '0.0.0.0',
      'localhost:',
      '::1',
      'localhost@evil'
    ]
    for (const host of foreign) {
      const reply = await sides.send(request('GET /livez', [`Host: ${host}`]))
      expect(reply.status, host).toBe(421)
      expect(json(reply)).toMatchObject({ code: 'MISDIRECTED_REQUEST' })
    }
    expect((await sides.send(Buffer.from('GET /livez HTTP/1.0\r\n\r\n'))).status).toBe(421)
  })

  it('takes no work from pages of other sites', async () => {
    const crossSite = ['Sec-Fetch-Site: cross-site']
    const writes = [
      post('/tasks', {}, crossSite),
      post('/queue-task', { work_duration: '1s' }, crossSite),
      request('GET /?user_id=1', crossSite),
      request('DELETE /tasks/AAAA', crossSite)
    ]
    for (const write of writes) {
      const reply = await sides.send(write)
      expect(reply.status).toBe(403)
      expect(json(reply)).toMatchObject({ code: 'CROSS_SITE' })
    }
    expect(sides.totals().submitted).toBe(0)
    expect((await sides.send(request('GET /livez', crossSite))).status).toBe(200)
    expect((await sides.send(post('/tasks', {}, ['Sec-Fetch-Site: same-origin']))).status).toBe(202)
  })
})
