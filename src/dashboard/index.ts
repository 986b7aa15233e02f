/**
 * A page that shows live what a pool does.
 *
 * @module coatcheck/dashboard
 */
export type { DashboardAction } from './access.js'
export { dashboard } from './dashboard.js'
export type {
  DashboardPool,
  LocalDashboardPool,
  SharedDashboardCounts,
  SharedDashboardPool,
  SharedDashboardStats
} from './dashboard-pool.js'
export type { FeedClock } from './feed.js'
export type { DashboardOptions } from './options.js'
