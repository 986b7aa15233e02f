/** The demo's own parts: the books that decide its exit code, and what it paints. */
import { PassThrough } from 'node:stream'
import type { WriteStream } from 'node:tty'
import type { PoolStats, StopReport, TaskRecord } from 'coatcheck'
import { WorkerPool } from 'coatcheck'
import type { TicketStatus } from 'coatcheck/http'
import { describe, expect, it } from 'vitest'
import { type Books, balance } from '../../examples/demo/books.js'
import type { Tally } from '../../examples/demo/clients.js'
import { bar, column, paint } from '../../examples/demo/paint.js'
import { picture, plainLine } from '../../examples/demo/picture.js'
import { screenOf } from '../../examples/demo/screen.js'

const none = { count: 0, ids: [] }
const report: StopReport = {
  ...{ reason: 'SIGTERM', durationMs: 1, succeeded: 1, failed: 1, canceled: 1 },
  ...{ unstarted: none, aborted: none, interrupted: none, left: none, unrecorded: 0 }
}

const tally = (): Tally => ({
  ...{ handedIn: 6, accepted: 3, unworded: 0, cameBack: 0, polls: 9, unchanged: 1, cancels: 1, broken: 0 },
  refused: new Map([
    ['QUEUE_FULL', 2],
    ['POOL_STOPPED', 1]
  ])
})

const statsOf = (more: Partial<PoolStats> = {}, totals: Partial<PoolStats['totals']> = {}): PoolStats => {
  const stats = new WorkerPool({ concurrency: 10, queueCapacity: 100 }).stats()
  const counted = { submitted: 5, refused: 2, accepted: 3, succeeded: 1, failed: 1, canceled: 1 }
  return { ...stats, ...more, totals: { ...stats.totals, ...counted, ...totals } }
}

const states = ['succeeded', 'failed', 'canceled'] as const
const records = states.map((state, index) => ({
  id: `t${index}`,
  state,
  attempt: 1,
  revision: 3,
  queuedAt: ''
})) satisfies TaskRecord[]
const tickets = states.map((state, index) => ({
  id: `t${index}`,
  label: '',
  status: { status: state, done: true, progress: null, cancelRequested: false } as unknown as TicketStatus
}))

const books = (more: Partial<Books> = {}): Books => ({
  tally: tally(),
  tickets,
  stats: statsOf(),
  records,
  report,
  exitCode: 0,
  ...more
})

describe('the books of the demo', () => {
  it('balance when both sides agree', () => {
    expect(balance(books()).filter(({ holds }) => !holds)).toEqual([])
    expect(balance(books())).toHaveLength(8)
  })

  const running = { ...records[0]!, state: 'running' as const }
  it.each<readonly [what: string, more: Partial<Books>, wrong: readonly number[]]>([
    ['a request without an answer', { tally: { ...tally(), broken: 1 } }, [0]],
    ['an answer that is neither', { tally: { ...tally(), handedIn: 7 } }, [0]],
    [
      'a refusal of another kind',
      { tally: { ...tally(), handedIn: 7, refused: new Map([...tally().refused, ['INTERNAL', 1]]) } },
      [1]
    ],
    ['a refusal without a time', { tally: { ...tally(), unworded: 1 } }, [1]],
    ['a ticket that did not end', { records: [running, ...records.slice(1)] }, [2, 6]],
    ['a ticket that the pool has lost', { records: records.slice(1) }, [2, 6]],
    ['a ticket that no client holds', { tickets: tickets.slice(1) }, [2]],
    ['a task that was settled twice', { stats: statsOf({}, { succeeded: 2 }) }, [3]],
    ['work left over', { stats: statsOf({ running: 1 }, { succeeded: 0 }) }, [3]],
    ['a submission that is neither', { stats: statsOf({}, { submitted: 6 }) }, [4]],
    [
      'a refused one that left a task behind',
      { stats: statsOf({}, { submitted: 6, accepted: 4, succeeded: 2 }) },
      [2, 5]
    ],
    ['a refusal that no client saw', { stats: statsOf({}, { submitted: 6, refused: 3 }) }, [5]],
    [
      'an end that was told otherwise',
      { tickets: [{ ...tickets[0]!, status: tickets[1]!.status }, ...tickets.slice(1)] },
      [6]
    ],
    ['a task cut short', { report: { ...report, aborted: { count: 1, ids: ['t0'] } } }, [7]],
    ['another exit code', { exitCode: 1 }, [7]]
  ])('do not balance with %s', (_what, more, wrong) => {
    const entries = balance(books(more))
    expect(entries.flatMap(({ holds }, index) => (holds ? [] : [index]))).toEqual(wrong)
  })
})

const terminal = (isTTY: boolean, rows = 40): { readonly out: WriteStream; readonly text: () => string } => {
  const stream = new PassThrough()
  return {
    out: Object.assign(stream, { isTTY, rows }) as unknown as WriteStream,
    text: () => {
      const chunks: unknown[] = [] // one call of `read` gives all of them, or only the first: that depends on the Node line
      for (let chunk: unknown = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(chunk)
      return chunks.join('')
    }
  }
}

const moment = {
  ...{ url: 'http://127.0.0.1:1', seconds: 1.25, acts: ['burst', 'books'], act: 1 },
  ...{ stats: statsOf({ running: 5, queued: 50 }), tally: tally(), news: ['it began'] },
  tickets: [
    {
      id: 'abcdefghijkl',
      label: 'report 1',
      status: { status: 'running', progress: { ratio: 0.5, message: null }, cancelRequested: true } as TicketStatus
    }
  ]
}

describe('the picture', () => {
  it('shows the bounds, what fills them, and each running ticket', () => {
    const text = picture(moment, paint(false)).join('\n')
    expect(text).toContain('✓ burst   ● books')
    expect(text).toContain(`workers  ${'█'.repeat(20)}${'░'.repeat(20)}   5 of 10`)
    expect(text).toContain(`queue    ${'█'.repeat(20)}${'░'.repeat(20)}  50 of 100`)
    expect(text).toMatch(/abcdefgh {2}report 1 .*█{10}░{10} {2}50 % canceling/)
    expect(text).toContain('it began')
    expect(plainLine(moment)).toContain('running 5/10  queued 50/100  accepted 3  refused 3')
  })

  it('has always the same number of lines', () => {
    const full = { ...moment, tickets: Array.from({ length: 30 }, () => moment.tickets[0]!), news: Array(30).fill('x') }
    expect(picture(full, paint(false))).toHaveLength(picture(moment, paint(false)).length)
  })

  it('is painted over in a terminal, in colors unless they are not wanted', () => {
    const { out, text } = terminal(true)
    const screen = screenOf(out, {})
    screen.show(['one', 'two'])
    screen.show(['three'])
    expect(text()).toContain('\u001B[2A')
    expect(screen.paint.red('x')).toBe('\u001B[31mx\u001B[0m')
    screen.release()
    expect(text()).toContain('\u001B[?25h')
    expect(screenOf(terminal(true).out, { NO_COLOR: '1' }).paint.red('x')).toBe('x')
    expect(screenOf(terminal(true).out, { NO_COLOR: '' }).paint.red('x')).not.toBe('x')
  })

  it('never has more lines than the terminal', () => {
    const { out, text } = terminal(true, 3)
    screenOf(out, {}).show(['1', '2', '3', '4'])
    expect(text().split('\n')).toHaveLength(3)
  })

  it.each([
    [false, {}],
    [true, { TERM: 'dumb' }]
  ])('is left out where nobody looks (terminal: %s, %j)', (isTTY, env) => {
    const { out, text } = terminal(isTTY)
    const screen = screenOf(out, env)
    screen.show(['one'])
    screen.say(screen.paint.bold('line'))
    screen.release()
    expect(text()).toBe('line\n')
  })

  it('cuts and fills columns, and keeps bars within their bounds', () => {
    expect([column('abc', 5), column('abcdef', 5)]).toEqual(['abc  ', 'abcd…'])
    expect(bar(2, 3)).toEqual({ full: '███', rest: '' })
    expect(bar(-1, 3)).toEqual({ full: '', rest: '░░░' })
  })
})
