import type { PoolStats, StopReport, TaskRecord } from 'coatcheck'
import type { HeldTicket, Tally } from './clients.js'

/** A sentence about the show that must be true. */
export interface Entry {
  readonly holds: boolean
  readonly text: string
}

/** Everything that was counted, by both sides. */
export interface Books {
  readonly tally: Tally
  readonly tickets: readonly HeldTicket[]
  readonly stats: PoolStats
  /** What the pool still knows of all its tasks. */
  readonly records: readonly TaskRecord[]
  readonly report: StopReport
  readonly exitCode: number
}

const FINAL: ReadonlySet<string> = new Set(['succeeded', 'failed', 'canceled'])

/** Compares what the clients saw with what the pool counted. Nothing is taken from one side alone. */
export function balance({ tally, tickets, stats, records, report, exitCode }: Books): readonly Entry[] {
  const { submitted, accepted, refused, succeeded, failed, canceled } = stats.totals
  const refusedByAll = [...tally.refused.values()].reduce((sum, count) => sum + count, 0)
  const refusedFull = tally.refused.get('QUEUE_FULL') ?? 0
  const refusedStopped = tally.refused.get('POOL_STOPPED') ?? 0
  const known = new Map(records.map((record) => [record.id, record]))
  const ended = records.filter((record) => FINAL.has(record.state)).length
  const agreeing = tickets.filter(({ id, status }) => !status.done || known.get(id)?.state === status.status).length
  const seen = tickets.filter(({ status }) => status.done).length
  const live = stats.queued + stats.delayed + stats.running
  return [
    entry(
      tally.handedIn === tally.accepted + refusedByAll && tally.broken === 0,
      `${tally.handedIn} handed in = ${tally.accepted} accepted + ${refusedByAll} refused, and every request was answered`
    ),
    entry(
      refusedByAll === refusedFull + refusedStopped && tally.unworded === 0,
      `refused only because it was full (${refusedFull}) or stopping (${refusedStopped}), each told when to come back`
    ),
    entry(
      ended === accepted && records.length === accepted && tickets.length === accepted,
      `every accepted ticket reached its end: ${ended} of ${accepted}`
    ),
    entry(
      accepted === live + succeeded + failed + canceled && live === 0,
      `${accepted} accepted = ${succeeded} succeeded + ${failed} failed + ${canceled} canceled`
    ),
    entry(
      submitted === accepted + refused + stats.waiting,
      `${submitted} came to the pool = ${accepted} accepted + ${refused} refused`
    ),
    entry(
      accepted === tally.accepted && refused === refusedFull,
      'the clients counted what the pool counted; a refused one left nothing behind'
    ),
    entry(agreeing === tickets.length, `${seen} ends were read over HTTP, all as the pool has them`),
    entry(
      report.unstarted.count + report.aborted.count + report.interrupted.count === 0 && exitCode === 0,
      'the stop lost nothing: exit code 0'
    )
  ]
}

function entry(holds: boolean, text: string): Entry {
  return { holds, text }
}
