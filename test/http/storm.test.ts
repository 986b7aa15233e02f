/** Many clients at once. */
import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { EventReader } from './support/event-reader.js'
import { type ClientRequest, service, tagOf } from './support/service.js'

describe('K14 a storm', () => {
  it('K14 of polls is answered, held within the limits, and leaves nothing behind', async () => {
    const { begin, send, clock } = service({ longPolls: { perTicket: 100 } })
    const { task, progress, end } = await begin()
    for (let round = 1; round <= 5; round++) {
      const headers = { prefer: 'wait=20', 'if-none-match': tagOf(task) }
      const polls = await Promise.all(Array.from({ length: 1_000 }, () => send(`GET /tasks/${task.id}`, headers)))
      expect(polls.filter(({ reply }) => reply === undefined)).toHaveLength(100)
      expect(clock.timers()).toBe(100)
      await progress(round / 10)
      expect(polls.map(({ reply }) => reply?.status).filter((status) => status === 200)).toHaveLength(100)
      expect(clock.timers()).toBe(0)
    }
    await end()
  })

  it('K14 of streams that come and go leaves nothing behind', async () => {
    const { begin, send, clock } = service({ streams: { perTicket: 300 } })
    const { task, progress, end } = await begin()
    const open = async (): Promise<{ readonly sent: ClientRequest; readonly reader: EventReader }> => {
      const sent = await send(`GET /tasks/${task.id}/events`)
      const reader = new EventReader(sent.reply)
      void reader.takeAll()
      return { sent, reader }
    }
    for (let round = 1; round <= 3; round++) {
      const streams = await Promise.all(Array.from({ length: 300 }, open))
      await clock.turn()
      expect(clock.timers()).toBe(300)
      await progress(round / 10)
      await clock.advance(250)
      expect(streams.every(({ reader }) => reader.pieces.length === 2)).toBe(true)
      for (const { sent } of streams) sent.leave()
      await clock.turn()
      expect(streams.every(({ reader }) => reader.isOver)).toBe(true)
      expect(clock.timers()).toBe(0)
      expect(streams.flatMap(({ sent }) => getEventListeners(sent.signal, 'abort'))).toEqual([])
    }
    await end()
  })
})
