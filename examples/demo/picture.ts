import type { PoolStats } from 'coatcheck'
import type { HeldTicket, Tally } from './clients.js'
import { bar, column, type Paint } from './paint.js'

/** What a picture of the moment shows. */
export interface Moment {
  readonly url: string
  readonly seconds: number
  /** The acts of the show, and which is on. */
  readonly acts: readonly string[]
  readonly act: number
  readonly stats: PoolStats
  readonly tally: Tally
  readonly tickets: readonly HeldTicket[]
  /** The last things that happened, oldest first. */
  readonly news: readonly string[]
}

const BAR = 40
const ROWS = 10
const NEWS = 4

/** The moment in lines, always the same number of them. */
export function picture(moment: Moment, paint: Paint): readonly string[] {
  const { stats, acts, act, url, seconds } = moment
  const steps = acts.map((name, index) => {
    if (index < act) return paint.green(`✓ ${name}`)
    return index === act ? paint.bold(paint.cyan(`● ${name}`)) : paint.dim(`○ ${name}`)
  })
  return [
    '',
    `  ${paint.bold('coatcheck')}  ${paint.dim(`${url} · ${stats.state} · ${seconds.toFixed(1)} s`)}`,
    '',
    `  ${steps.join('   ')}`,
    '',
    gauge('workers', stats.running, stats.concurrency, paint.cyan, paint),
    gauge('queue', stats.queued, stats.queueCapacity, paint.yellow, paint),
    '',
    ...counts(moment, paint),
    '',
    ...rows(moment.tickets, paint),
    '',
    ...lastOf(moment.news, NEWS).map((line) => (line === '' ? '' : `  ${paint.dim(line)}`))
  ]
}

/** The moment in one line, for a log. */
export function plainLine({ seconds, stats, tally }: Pick<Moment, 'seconds' | 'stats' | 'tally'>): string {
  const { succeeded, failed, canceled } = stats.totals
  return (
    `${seconds.toFixed(1).padStart(5)} s  running ${stats.running}/${stats.concurrency}  queued ${stats.queued}/${stats.queueCapacity}` +
    `  accepted ${tally.accepted}  refused ${sumOf(tally.refused)}  succeeded ${succeeded}  failed ${failed}  canceled ${canceled}`
  )
}

function gauge(name: string, value: number, bound: number, color: (text: string) => string, paint: Paint): string {
  const { full, rest } = bar(value / bound, BAR)
  return `  ${name.padEnd(9)}${color(full)}${paint.dim(rest)} ${String(value).padStart(3)} of ${bound}`
}

function counts({ stats, tally }: Moment, paint: Paint): readonly string[] {
  const { succeeded, failed, canceled } = stats.totals
  const cell = (name: string, value: number, color: (text: string) => string): string =>
    `${paint.dim(name.padEnd(10))}${color(String(value).padStart(5))}`
  const plain = (text: string): string => text
  return [
    `  ${cell('handed in', tally.handedIn, paint.bold)}   ${cell('accepted', tally.accepted, paint.green)}   ${cell('refused', sumOf(tally.refused), paint.yellow)}   ${cell('came back', tally.cameBack, plain)}`,
    `  ${cell('succeeded', succeeded, paint.green)}   ${cell('failed', failed, paint.red)}   ${cell('canceled', canceled, paint.blue)}   ${cell('polls', tally.polls, plain)} ${paint.dim(`(${tally.unchanged} × 304)`)}`
  ]
}

/** Running tickets, as their clients last saw them. */
function rows(tickets: readonly HeldTicket[], paint: Paint): readonly string[] {
  const running = tickets.filter(({ status }) => status.status === 'running').slice(0, ROWS)
  const lines = running.map(({ id, label, status }) => {
    const ratio = status.progress?.ratio ?? 0
    const { full, rest } = bar(ratio, 20)
    const mark = status.cancelRequested ? paint.blue('canceling') : ''
    return `  ${paint.dim(id.slice(0, 8))}  ${column(label, 18)} ${paint.green(full)}${paint.dim(rest)} ${percent(ratio)} ${mark}`
  })
  return [...lines, ...Array<string>(ROWS - lines.length).fill('')]
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`.padStart(5)
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

function lastOf(lines: readonly string[], count: number): readonly string[] {
  const last = lines.slice(-count)
  return [...last, ...Array<string>(count - last.length).fill('')]
}
