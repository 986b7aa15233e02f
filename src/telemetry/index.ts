/**
 * Metrics and spans for OpenTelemetry.
 *
 * @module coatcheck/telemetry
 */
export { type ObserveOptions, observe } from './observe.js'
export type { ObservedPool } from './observed-pool.js'
