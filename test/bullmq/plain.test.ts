import { sharedPool } from 'coatcheck/bullmq'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Followers } from '../../src/bullmq/following.js'
import { Notices } from '../../src/bullmq/notices.js'
import { checkSharedPoolOptions, checkSharedTaskOptions, jobPriority } from '../../src/bullmq/options.js'
import { changeScripts } from '../../src/bullmq/redis/bullmq-scripts.js'
import { Channels } from '../../src/bullmq/redis/channels.js'
import { isTicket, jobIdOf, Keys, ticketOf } from '../../src/bullmq/redis/keys.js'
import { type TaskFields, taskFields } from '../../src/bullmq/redis/scripts/task-fields.js'
import { requireSettings } from '../../src/bullmq/redis/server-settings.js'
import { newRecord, recordOf } from '../../src/bullmq/task-text.js'
import { ProgressWriter } from '../../src/bullmq/work/progress-writer.js'
import { Tally } from '../../src/bullmq/work/stop-tally.js'
import { StoreError, type TaskRecord } from '../../src/index.js'
import { freePort } from '../stores/keyv/support/servers.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'

const valid = { name: 'p', connection: {}, concurrency: 1, queueCapacity: 1, handlers: { a: () => 1 } }

describe('the options of a shared pool', () => {
  it('have defaults', () => {
    expect(checkSharedPoolOptions(valid)).toMatchObject({ prefix: 'coatcheck', leaseMs: 30_000, connection: {} })
    const own = {
      prefix: '{a}',
      leaseMs: 100.4,
      connection: 'redis://x',
      retention: { count: Number.POSITIVE_INFINITY }
    }
    expect(checkSharedPoolOptions({ ...valid, ...own })).toMatchObject({ prefix: '{a}', leaseMs: 100 })
  })

  it.each([
    [{ name: 'a:b' }, RangeError, 'name'],
    [{ name: undefined }, TypeError, 'name'],
    [{ prefix: '' }, RangeError, 'prefix'],
    [{ connection: 6379 }, TypeError, 'options of ioredis or a URL'],
    [{ leaseMs: 99 }, RangeError, 'from 100'],
    [{ queueCapacity: 0 }, RangeError, 'queueCapacity'],
    [{ retention: { count: 0 } }, RangeError, 'retention.count'],
    [{ store: {} }, TypeError, 'store'],
    [{ perKey: {} }, TypeError, 'perKey'],
    [{ captureContext: true }, TypeError, 'captureContext']
  ])('are checked before anything is opened: %o', async (wrong, kind, message) => {
    const options = { ...valid, ...wrong } as unknown as typeof valid
    const error = await sharedPool(options).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(kind)
    expect((error as Error).message).toContain(message)
  })
})

describe('the options of a task', () => {
  it.each(['signal', 'weight', 'retry', 'volatile', 'retainMs', 'queueTimeoutMs', 'name'])(
    'have no `%s`, which would not hold across processes',
    (name) => {
      expect(() => checkSharedTaskOptions({ [name]: 1 }, 'a')).toThrow(`got \`${name}\``)
    }
  )

  it('bound the priority to what BullMQ has', () => {
    expect(() => checkSharedTaskOptions({ priority: 1_048_576 }, 'a')).toThrow(RangeError)
    expect([1_048_575, 0, -1_048_575].map(jobPriority)).toEqual([1, 2 ** 20, 2 ** 21 - 1])
    expect(checkSharedTaskOptions(undefined, 'a')).toMatchObject({ priority: 0, onDuplicate: 'refuse' })
    expect(() => checkSharedTaskOptions({ onDuplicate: 'join-live' }, 'a')).toThrow("'refuse', 'join'")
  })
})

describe('the id of a task in BullMQ', () => {
  it('leads back to the ticket, has neither colons nor digits only, and is none of its keys', () => {
    for (const id of ['123', 'a:b', ':', 'meta', 'id']) {
      expect(jobIdOf(id)).toMatch(/^~[A-Za-z0-9._~-]+$/)
      expect(ticketOf(jobIdOf(id))).toBe(id)
    }
    const keys = new Keys('p', 'q')
    expect([keys.job('meta'), keys.of('wait'), keys.lock('a:b'), keys.changes('1')]).toEqual([
      ...['p:q:~meta', 'p:q:wait', 'p:q:~a~b:lock', 'p:q:~1:changes']
    ])
    expect(['a', '', '~a', 'a'.repeat(129), 7].map(isTicket)).toEqual([true, false, false, false, false])
  })
})

describe('what a server says of itself', () => {
  it('must be that it keeps tasks', () => {
    expect(() => requireSettings('maxmemory_policy:noeviction\r\naof_enabled:1\r\n')).not.toThrow()
    expect(() => requireSettings('maxmemory_policy:noeviction\naof_enabled:0')).toThrow('appendonly yes')
    expect(() => requireSettings('maxmemory_policy:volatile-lru\naof_enabled:1')).toThrow('noeviction')
  })
})

describe('the scripts of BullMQ', () => {
  it('must be those that ours are put before', () => {
    const client = new Redis({ lazyConnect: true })
    const check = changeScripts(client, 1)
    const define = (lua: string, ...names: string[]): void => {
      for (const name of names) client.defineCommand(name, { numberOfKeys: 1, lua })
    }
    expect(check).toThrow('as they are known: addPrioritizedJob, addDelayedJob, moveToFinished.')
    define('return 1', 'addPrioritizedJob:0', 'addDelayedJob:0', 'moveToFinished:0')
    expect(check).toThrow('as they are known: addPrioritizedJob, addDelayedJob, moveToFinished.')
    const add = 'local args = cmsgpack.unpack(ARGV[1])\njobId = args[2]\njobIdKey = args[1] .. jobId'
    define(add, 'addPrioritizedJob:0', 'addDelayedJob:0', 'addLog:0')
    expect(check).toThrow('as they are known: moveToFinished.')
    define('local jobIdKey = KEYS[12]', 'moveToFinished:0')
    expect(check).not.toThrow()
  })
})

describe('the record of a task', () => {
  const about = { id: 'i', by: 'x', retainMs: null }
  const fields: TaskFields = {
    ...{ name: 'n', opts: JSON.stringify({ about: JSON.stringify(about) }), timestamp: '0', finishedOn: null },
    ...{ returnvalue: null, progress: null, ats: null, stc: null, rev: null, calls: null, startedAt: null },
    ...{ cancelAt: null, end: null, lock: '0' }
  }

  it('has what is known of it', () => {
    expect(recordOf(fields)).toEqual({
      ...{ id: 'i', name: 'n', state: 'queued', attempt: 0, revision: 0, queuedAt: '1970-01-01T00:00:00.000Z' }
    })
    const full = { ...about, key: 'k', metadata: '[1]', fingerprint: 'f', retainMs: 5 }
    const opts = JSON.stringify({ about: JSON.stringify(full) })
    const ended = { ...fields, opts, finishedOn: '1', ats: '2', rev: '3', calls: '2', startedAt: '1', cancelAt: '1' }
    const common = { key: 'k', metadata: [1], fingerprint: 'f', attempt: 2, revision: 8 }
    expect(recordOf({ ...ended, returnvalue: '{"json":"[]"}', progress: '{"ratio":1}' })).toMatchObject({
      ...{ ...common, state: 'succeeded', result: [], progress: { ratio: 1 } },
      expiresAt: '1970-01-01T00:00:00.006Z'
    })
    expect(recordOf({ ...ended, returnvalue: '{"resultOmitted":"why"}' })).toMatchObject({ resultOmitted: 'why' })
    expect(recordOf({ ...ended, stc: '4' })).toMatchObject({ state: 'failed', error: { code: 'ERR_TASK_POISONED' } })
    expect(recordOf({ ...ended, end: '{"state":"canceled","reason":"user"}' })).toMatchObject({ state: 'canceled' })
    expect(newRecord('n', full, 0)).toMatchObject({ key: 'k', metadata: [1], fingerprint: 'f', state: 'queued' })
    expect(newRecord('n', about, 0)).toEqual(recordOf(fields))
  })

  it('grows in revision from claim to claim, and to the end', () => {
    const steps: Partial<TaskFields>[] = [
      {},
      { ats: '1', lock: '1' },
      { ats: '1', lock: '1', rev: '1' },
      { ats: '1', rev: '1' },
      { ats: '2', lock: '1', rev: '1' },
      { ats: '2', rev: '1', finishedOn: '1', returnvalue: '{}' }
    ]
    const revisions = steps.map((step) => recordOf({ ...fields, ...step }).revision)
    expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b))
  })

  it('is absent when there is no hash', () => {
    expect(taskFields([null, null])).toBeUndefined()
    expect(taskFields(['n', '{}'])).toMatchObject({ name: 'n', opts: '{}' })
  })
})

describe('the listeners of a shared pool', () => {
  it('are functions for events that there are', () => {
    const notices = new Notices(() => {})
    expect(() => notices.on('queued' as 'started', () => {})).toThrow('event')
    expect(() => notices.on('started', 1 as unknown as () => void)).toThrow('listener')
    expect(() => notices.off('started', () => {})).not.toThrow()
  })
})

describe('the tally of a stop', () => {
  it('lists a thousand ids', () => {
    const tally = new Tally()
    for (let id = 0; id < 1_001; id++) tally.add(`${id}`)
    expect(tally.toCount()).toMatchObject({ count: 1_001, ids: { length: 1_000 } })
  })
})

describe('the progress of a call', () => {
  it('is written at once, then at most ten times a second, and at the end', async () => {
    const clock = new ManualClock()
    let writes = 0
    const progress = new ProgressWriter(clock, async () => {
      writes++
      throw new Error('not worth an error')
    })
    const seen = (): number => writes
    progress.changed()
    progress.changed()
    expect(seen()).toBe(1)
    await clock.advance(100)
    expect(seen()).toBe(2)
    await clock.advance(100)
    progress.changed()
    progress.changed()
    await progress.end()
    expect(seen()).toBe(4)
    await progress.end()
    expect(seen()).toBe(4)
  })
})

describe('a followed task', () => {
  const record = newRecord('n', { id: 'i', by: 'x', retainMs: null }, 0)

  /** Followers whose Redis is away, so that no message comes. */
  const away = async () => {
    const port = await freePort()
    const client = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: () => null })
    client.on('error', () => {})
    onTestFinished(() => client.disconnect())
    const clock = new ManualClock()
    const followers = new Followers(new Channels(client), clock)
    const follow = (read: () => Promise<TaskRecord | undefined>) =>
      followers.follow({ channel: 'c', read }, new AbortController().signal)
    return { clock, followers, follow }
  }

  it('is read again when Redis did not answer', async () => {
    const { clock, follow } = await away()
    const answers = [record, new StoreError('away'), record, { ...record, revision: 1, state: 'failed' as const }]
    const read = async () => {
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return answer
    }
    const seen: number[] = []
    const following = (async () => {
      for await (const { revision } of follow(read)) seen.push(revision)
    })()
    while (answers.length > 0) await clock.advance(1_000)
    await following
    expect(seen).toEqual([0, 1])
  })

  it('is read once more when all following ends, also if it is being read then', async () => {
    const { clock, followers, follow } = await away()
    const reading = gate<TaskRecord>()
    const answers = [Promise.resolve(record), reading.promise, Promise.resolve({ ...record, revision: 1 })]
    const changes = follow(async () => answers.shift())
    await changes.next()
    const next = changes.next()
    await clock.advance(1_000)
    const closed = followers.close()
    reading.open(record)
    expect((await next).value).toMatchObject({ revision: 1 })
    await closed
    expect(answers).toEqual([])
  })

  it('is read once by a follower that comes when all following has ended', async () => {
    const { followers, follow } = await away()
    await followers.close()
    const changes = follow(async () => record)
    expect((await changes.next()).value).toEqual(record)
    await expect(changes.next()).rejects.toMatchObject({ code: 'ERR_STORE' })
  })
})
