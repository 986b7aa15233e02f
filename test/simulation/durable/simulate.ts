import type { MemoryDisk } from '../../../src/testing/index.js'
import { shrinkWith } from '../shrink.js'
import { Host } from './host.js'
import type { DurableOperation, DurablePlan, Name } from './plan.js'
import { RecordBook } from './record-book.js'

/** What came of one plan. */
export interface DurableRun {
  readonly broken: Error | undefined
  /** At which operation; the number of operations when it was afterwards. */
  readonly at: number
  /** What came up. */
  readonly seen: ReadonlySet<string>
}

/** Time for a stop to end, whatever the store does. */
const STOP_MS = 10_000

/** Processes on one disk, one after the other. */
class Succession {
  readonly seen = new Set<string>()
  readonly book = new RecordBook()
  readonly #plan: DurablePlan
  #disk: MemoryDisk | undefined
  #dateMs = 1_900_000_000_000
  host: Host

  constructor(plan: DurablePlan) {
    this.#plan = plan
    this.host = this.#begin(plan.setup.sync, undefined)
    if (plan.setup.started) this.host.start()
  }

  #begin(sync: boolean, lacks: Name | undefined, reacts = true): Host {
    const { setup } = this.#plan
    const reactions = reacts ? this.#plan.reactions : []
    const { book, seen } = this
    const host = new Host({ setup, reactions, book, seen, disk: this.#disk, dateMs: this.#dateMs, sync, lacks })
    this.#disk = host.store.disk
    return host
  }

  /** The next process. The present one is killed unless it has stopped. */
  async follow(sync = false, lacks?: Name, downMs = 0, reacts = true): Promise<void> {
    const { host } = this
    if (host.report === undefined) {
      host.die()
      host.store.kill()
      this.seen.add('a kill')
    }
    this.book.compare(host.store.disk.tasks())
    this.#dateMs = host.clock.date() + downMs
    this.host = this.#begin(sync, lacks, reacts)
    if (lacks !== undefined) this.seen.add('a lost handler')
  }

  async operate(operation: DurableOperation): Promise<void> {
    const { host } = this
    if (operation.do === 'kill') host.store.kill()
    else if (operation.do === 'kill at') host.store.killAt(host.store.stats().writes + operation.write, operation.when)
    else if (operation.do === 'advance') await host.advance(operation.ms)
    else if (operation.do === 'turn') await host.turn()
    else if (operation.do === 'restart') {
      host.stop(0, 0)
      await host.advance(STOP_MS)
      if (!host.isOver) throw new Error('a stop does not end')
      await this.follow(operation.sync, operation.lacks, operation.downMs)
      this.host.start()
    } else host.perform(operation)
    if (operation.turns) await host.turn()
    await Promise.resolve()
    if (this.host.isOver) {
      await this.follow()
      this.host.start()
    } else this.host.look()
  }

  /** Without faults, until the disk has nothing left to do. */
  async heal(): Promise<void> {
    await this.host.finish()
    await this.follow(false, undefined, 0, false)
    await this.host.finish()
    this.book.compareAtTheEnd(this.host.store.disk.tasks())
  }
}

/** Carries out one plan. */
export async function simulateDurable(plan: DurablePlan): Promise<DurableRun> {
  const processes = new Succession(plan)
  let at = 0
  let broken: Error | undefined
  try {
    for (const operation of plan.operations) {
      await processes.operate(operation)
      at++
    }
    await processes.heal()
  } catch (error) {
    broken = error instanceof Error ? error : new Error(String(error))
  }
  return { broken, at, seen: processes.seen }
}

/** Takes out of a failing plan whatever it fails without. */
export function shrinkDurable(plan: DurablePlan, most = 2_000): Promise<DurablePlan> {
  return shrinkWith(plan, most, simulateDurable)
}
