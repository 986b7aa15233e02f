import { LeaseLostError } from 'coatcheck/bullmq'
import { describe, expect, it } from 'vitest'
import { HeldClaims } from '../../src/bullmq/work/held-claims.js'
import { ProgressWriter } from '../../src/bullmq/work/progress-writer.js'
import { type Task, WorkerPool } from '../../src/index.js'
import { gate } from '../support/gate.js'
import { ManualClock } from '../support/manual-clock.js'

describe('the claims of a process', () => {
  /** A task that runs until its signal aborts. */
  const running = async (): Promise<{ readonly task: Task; readonly signal: AbortSignal }> => {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1 }).start()
    const [called, done] = [gate<AbortSignal>(), gate()]
    const task = pool.queueTask(({ signal }) => {
      signal.addEventListener('abort', () => done.open())
      called.open(signal)
      return done.promise.then(() => Promise.reject(signal.reason))
    })
    task.settled().catch(() => {})
    return { task, signal: await called.promise }
  }

  it('are lost when no lease could be renewed in time', async () => {
    const clock = new ManualClock()
    const held = new HeldClaims(clock, 300, () => Promise.reject(new Error('away')))
    const { task } = await running()
    held.add(task, new ProgressWriter(clock, async () => {}))
    await clock.advance(200)
    held.renewed([task.id, 'another'])
    await clock.advance(200)
    expect(task.record().cancelRequestedAt).toBeUndefined()
    await clock.advance(200)
    await expect(task.result()).rejects.toMatchObject({ cause: { code: 'ERR_LEASE_LOST' } })
    held.lost([task.id, 'another'])
    held.progressed('another')
    held.remove(task.id)
  })

  it('are lost to a Redis that never answers: the signal aborts when the lease has passed', async () => {
    const clock = new ManualClock()
    const held = new HeldClaims(clock, 300, () => gate<readonly null[]>().promise)
    const { task, signal } = await running()
    held.add(task, new ProgressWriter(clock, async () => {}))
    await clock.advance(299)
    expect(signal.aborted).toBe(false)
    await clock.advance(1)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBeInstanceOf(LeaseLostError)
    expect(signal.reason).toMatchObject({ code: 'ERR_LEASE_LOST', id: task.id })
    held.remove(task.id)
  })

  it('are asked for cancels of which no message came', async () => {
    const clock = new ManualClock()
    const asked: (readonly string[])[] = []
    const held = new HeldClaims(clock, 300, async (ids) => {
      asked.push(ids)
      return ids.map(() => (asked.length < 2 ? null : ''))
    })
    await held.canceled('')
    await held.canceled('another')
    const { task } = await running()
    held.add(task, new ProgressWriter(clock, async () => {}))
    await clock.advance(100)
    await clock.advance(100)
    await task.settled()
    expect(task.state).toBe('canceled')
    expect(asked).toEqual([[task.id], [task.id]])
    held.remove(task.id)
    await clock.advance(1_000)
    expect(asked).toHaveLength(2)
  })

  it('are not asked again before Redis has answered', async () => {
    const clock = new ManualClock()
    const answer = gate<readonly null[]>()
    let asked = 0
    const held = new HeldClaims(clock, 300, () => {
      asked++
      return answer.promise
    })
    const { task } = await running()
    const claim = held.add(task, new ProgressWriter(clock, async () => {}))
    await clock.advance(100)
    await clock.advance(100)
    claim.renewedMs = clock.now()
    expect(asked).toBe(1)
    answer.open([null])
    await clock.turn()
    await clock.advance(100)
    expect(asked).toBe(2)
    held.remove(task.id)
    task.cancel()
  })
})
