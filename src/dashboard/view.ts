import type { RateMeter } from './rates.js'
import type { SharedSnapshot } from './shared/snapshot.js'
import type { Snapshot } from './snapshot.js'

/** How a pool is seen. */
export interface View {
  /** All that the page shows now. Never waits. */
  snapshot(meter: RateMeter): Snapshot | SharedSnapshot

  /** The last page was closed: what is kept for the next snapshot is dropped. */
  forget(): void
}
