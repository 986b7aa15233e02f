import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Makes pools of the built library in a `dist` folder, with room for every task of a measurement.
 *
 * @param {string} dist
 * @param {Partial<import('coatcheck').WorkerPoolOptions>} [common]
 * @returns {Promise<(options?: Partial<import('coatcheck').WorkerPoolOptions>) => import('coatcheck').WorkerPool>}
 */
export const pools = async (dist, common) => {
  /** @type {typeof import('coatcheck')} */
  const { WorkerPool } = await import(pathToFileURL(join(dist, 'index.js')).href)
  return (options) => new WorkerPool({ concurrency: 10, queueCapacity: 10_000_000, ...common, ...options })
}
