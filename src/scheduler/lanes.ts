import { Heap } from './heap.js'
import { type Entry, KeyTimes, Lane, Level, type Share } from './lane.js'
import type { RateWindow } from './rate-window.js'

/**
 * The queue. It has one level per priority. A level has one lane per key, and its lanes take turns (round robin). A
 * lane is first in, first out.
 *
 * ```
 * levels, highest first      7 ── round: [ A: a1 a2 a3 ] → [ B: b1 ] → [ no key: x1 x2 ] → (A)
 * (a heap)                   0 ── round: [ no key: … ]
 * ```
 *
 * Adding an entry, taking the next and removing any entry are O(1), plus O(log p) when a level is added or removed, for
 * p priorities with entries. When the turn comes to a lane whose key is at its concurrency, the lane is parked: it
 * leaves the round until a task of the key ends. The same if the key is over its rate, until the rate allows the next
 * start, in O(log k) for k such keys. Empty lanes and levels are removed.
 */
export class Lanes<E extends Entry<E>> {
  readonly #levels = new Map<number, Level<E>>()
  /** Levels with at least one lane in their round, highest priority first. */
  readonly #heap = new Heap<Level<E>>((a, b) => a.priority > b.priority)
  /** The lane of tasks with priority 0 and no key, the most common ones. Never removed. */
  readonly #plain: Lane<E>
  /** Keys whose lanes are parked because of their rate, and when it allows the next start. */
  readonly #overRate = new KeyTimes<E>()

  constructor() {
    const level = new Level<E>(0)
    this.#plain = new Lane<E>(0, undefined, null)
    level.keyless = this.#plain
    this.#levels.set(0, level)
  }

  /** The lane for this priority and key: the one in use, or a new one, which joins its level with its first entry. */
  find(priority: number, key: string | undefined, share: Share<E> | null): Lane<E> {
    return priority === 0 && key === undefined ? this.#plain : this.#findOther(priority, key, share)
  }

  #findOther(priority: number, key: string | undefined, share: Share<E> | null): Lane<E> {
    const level = this.#levels.get(priority)
    const lane = key === undefined ? level?.keyless : level?.keyed.get(key)
    return lane ?? new Lane<E>(priority, key, share)
  }

  /** Puts an entry at the back of its lane. */
  push(entry: E): void {
    const lane = this.#laneOf(entry)
    lane.entries.push(entry)
    ;(lane.level as Level<E>).queued++
  }

  /** Puts an entry at the front of its lane. */
  pushFirst(entry: E): void {
    const lane = this.#laneOf(entry)
    entry.order = (lane.entries.head?.order ?? 1) - 1
    lane.entries.unshift(entry)
    ;(lane.level as Level<E>).queued++
  }

  /** The lane of an entry, in its level. */
  #laneOf(entry: E): Lane<E> {
    const lane = entry.lane as Lane<E>
    if (lane.entries.size > 0) return lane
    entry.lane = this.find(lane.priority, lane.key, lane.share) // another lane may have been opened since `find`
    if (entry.lane.entries.size === 0) this.#open(entry.lane)
    return entry.lane
  }

  /** Removes and returns the next entry that may start; null if none may. */
  take(now: number): E | null {
    const lane = this.#ready(now)
    if (lane === null) return null
    const entry = lane.entries.head as E
    ;(lane.level as Level<E>).turn = lane.right
    this.remove(entry)
    return entry
  }

  /** The lane of the next entry that may start. Parks the lanes before it. */
  #ready(now: number): Lane<E> | null {
    for (let level = this.#heap.first; level !== undefined; level = this.#heap.first) {
      const lane = level.turn as Lane<E>
      const { share } = lane
      if (share === null) return lane
      if (share.running >= share.concurrency) this.#park(lane, level, share)
      else if (share.rate !== null && !share.rate.allows(now)) {
        this.#park(lane, level, share)
        share.overRate = true
        this.#overRate.set(share, share.rate.opensAt())
      } else return lane
    }
    return null
  }

  #park(lane: Lane<E>, level: Level<E>, share: Share<E>): void {
    share.parked.push(lane)
    this.#leaveRound(lane, level)
  }

  /** Whether a key has an entry that may start. */
  hasReady(now: number): boolean {
    return this.#ready(now) !== null
  }

  /** When the rate of a key allows the next start, of the keys that are parked for it; Infinity if there is none. */
  get rateOpensAt(): number {
    return this.#overRate.firstAt
  }

  /** A start of a key was called: it is known now when its rate allows the next. */
  called(share: Share<E>, rate: RateWindow): void {
    if (share.overRate) this.#overRate.set(share, rate.opensAt())
  }

  /** Returns the lanes to their rounds whose keys' rates allow a start by now. */
  unparkDue(now: number): void {
    for (let share = this.#overRate.takeDue(now); share !== undefined; share = this.#overRate.takeDue(now))
      this.unpark(share)
  }

  /** Removes an entry from any position. */
  remove(entry: E): void {
    const lane = entry.lane as Lane<E>
    lane.entries.remove(entry)
    ;(lane.level as Level<E>).queued--
    if (lane.entries.size === 0) this.#close(lane)
  }

  /** Returns the parked lanes of a key to their rounds. */
  unpark(share: Share<E>): void {
    if (share.parked.length === 0) return
    const { parked } = share
    share.parked = []
    this.#endRate(share)
    for (const lane of parked) this.#joinRound(lane, lane.level as Level<E>)
  }

  /** No lane of the key is parked any more. */
  #endRate(share: Share<E>): void {
    if (!share.overRate) return
    share.overRate = false
    this.#overRate.clear(share)
  }

  /** The lanes that hold at least one entry. */
  *busy(): Generator<Lane<E>> {
    for (const level of this.#levels.values()) {
      if (level.keyless !== null && level.keyless.entries.size > 0) yield level.keyless
      yield* level.keyed.values()
    }
  }

  /** The lanes of a key that hold at least one entry. */
  *of(key: string): Generator<Lane<E>> {
    for (const level of this.#levels.values()) {
      const lane = level.keyed.get(key)
      if (lane !== undefined) yield lane
    }
  }

  /** Estimated number of entries taken up to and including this one, from 1. O(p). */
  position(entry: E): number {
    const lane = entry.lane as Lane<E>
    const own = lane.level as Level<E>
    const inLane = Math.max(1, Math.min(entry.order - (lane.entries.head as E).order + 1, lane.entries.size))
    let position = Math.min(inLane * Math.max(own.lanes, 1), own.queued)
    for (const level of this.#levels.values()) if (level.priority > own.priority) position += level.queued
    return position
  }

  /** Adds a lane to its level before its first entry. */
  #open(lane: Lane<E>): void {
    let level = this.#levels.get(lane.priority)
    if (level === undefined) {
      level = new Level<E>(lane.priority)
      this.#levels.set(lane.priority, level)
    }
    lane.level = level
    if (lane.key === undefined) level.keyless = lane
    else level.keyed.set(lane.key, lane)
    this.#joinRound(lane, level)
  }

  /** Removes a lane after its last entry. */
  #close(lane: Lane<E>): void {
    const level = lane.level as Level<E>
    if (lane.right !== null) this.#leaveRound(lane, level)
    else {
      const share = lane.share as Share<E>
      share.parked.splice(share.parked.indexOf(lane), 1)
      if (share.parked.length === 0) this.#endRate(share)
    }
    if (lane === this.#plain) return
    if (lane.key === undefined) level.keyless = null
    else level.keyed.delete(lane.key)
    if (level.keyless === null && level.keyed.size === 0) this.#levels.delete(level.priority)
  }

  /** Adds a lane at the end of the round: just before the lane whose turn it is. */
  #joinRound(lane: Lane<E>, level: Level<E>): void {
    const { turn } = level
    level.lanes++
    if (turn === null) {
      lane.left = lane
      lane.right = lane
      level.turn = lane
      this.#heap.add(level)
      return
    }
    const last = turn.left as Lane<E>
    lane.left = last
    lane.right = turn
    last.right = lane
    turn.left = lane
  }

  #leaveRound(lane: Lane<E>, level: Level<E>): void {
    const left = lane.left as Lane<E>
    const right = lane.right as Lane<E>
    lane.left = null
    lane.right = null
    level.lanes--
    if (left === lane) {
      level.turn = null
      this.#heap.remove(level)
      return
    }
    left.right = right
    right.left = left
    if (level.turn === lane) level.turn = right
  }
}
