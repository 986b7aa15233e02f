/** Watches the memory of this process while it serves, and ends the serving before it takes the machine's. */

const EVERY_MS = 100

/**
 * @param {import('node:http').Server} server
 * @param {number} mostMegabytes
 * @param {() => void} [look] done at each sample
 */
export const watch = (server, mostMegabytes, look = () => {}) => {
  const seen = { cutOff: false, samples: /** @type {[seconds: number, megabytes: number][]} */ ([]) }
  const begun = performance.now()
  const timer = setInterval(() => {
    look()
    const megabytes = process.memoryUsage.rss() / 1e6
    seen.samples.push([(performance.now() - begun) / 1e3, megabytes])
    if (megabytes < mostMegabytes) return
    seen.cutOff = true
    clearInterval(timer)
    server.close()
    server.closeAllConnections()
  }, EVERY_MS)
  return seen
}

/** The most, and how the second half compares with the first. @type {(samples: readonly (readonly [number, number])[]) => { peakMegabytes: number, growth: number }} */
export const growthOf = (samples) => {
  const half = samples.length >> 1
  return { peakMegabytes: peakOf(samples), growth: peakOf(samples.slice(half)) / peakOf(samples.slice(0, half)) }
}

/** @type {(samples: readonly (readonly [number, number])[]) => number} */
const peakOf = (samples) => Math.max(...samples.map(([, megabytes]) => megabytes))
