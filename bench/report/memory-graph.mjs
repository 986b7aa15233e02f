/** Memory over time of services under more load than they can bear, as a picture that is drawn from the results alone. */
import { BOUNDED } from '../http/services.mjs'
import { fixed } from './numbers.mjs'

/** @typedef {import('../results.js').Overload} Overload */

const WIDTH = 720
const HEIGHT = 440
const LEFT = 64
const RIGHT = 24
const TOP = 72
const BOTTOM = 132

/** Lines are told apart by their dashes too. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #3d444d }
  .title { font-size: 15px; font-weight: 600; fill: #1f2328 }
  .paper { fill: #ffffff }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  .unbounded-1 { stroke: #cf222e; fill: #cf222e }
  .unbounded-2 { stroke: #9a6700; fill: #9a6700; stroke-dasharray: 8 4 }
  .bounded-1 { stroke: #0969da; fill: #0969da }
  .bounded-2 { stroke: #0969da; fill: #0969da; stroke-dasharray: 2 4 }
  .line { fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .title { fill: #f0f6fc }
    .paper { fill: #0d1117 }
    .grid { stroke: #3d444d }
    .unbounded-1 { stroke: #ff7b72 }
    .unbounded-2 { stroke: #d29922 }
    .bounded-1, .bounded-2 { stroke: #58a6ff }
  }`

/** A step of 1, 2 or 5 times a power of ten that divides the axis into some five parts. @type {(end: number) => number} */
const stepOf = (end) => {
  const power = 10 ** Math.floor(Math.log10(end / 5))
  return power * ([1, 2, 5].find((times) => times * power * 5 >= end) ?? 10)
}

/** @type {(step: number, end: number) => readonly number[]} */
const ticks = (step, end) => Array.from({ length: Math.floor(end / step) + 1 }, (_, n) => n * step)

/** @type {(overloads: readonly Overload[]) => string} */
export const memoryGraph = (overloads) => {
  const samples = overloads.flatMap((overload) => overload.samples)
  const lastSecond = Math.max(1, ...samples.map(([seconds]) => seconds))
  const most = Math.max(...samples.map(([, megabytes]) => megabytes))
  const step = stepOf(most)
  const top = Math.ceil(most / step) * step
  const x = (/** @type {number} */ seconds) => LEFT + (seconds / lastSecond) * (WIDTH - LEFT - RIGHT)
  const y = (/** @type {number} */ megabytes) => HEIGHT - BOTTOM - (megabytes / top) * (HEIGHT - TOP - BOTTOM)
  const at = (/** @type {number} */ value) => value.toFixed(1)

  const grid = ticks(step, top).map(
    (megabytes) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(megabytes))}" y2="${at(y(megabytes))}"/>` +
      `<text x="${LEFT - 8}" y="${at(y(megabytes) + 4)}" text-anchor="end">${fixed(megabytes)}</text>`
  )
  const seconds = ticks(stepOf(Math.floor(lastSecond)), lastSecond).map(
    (second) => `<text x="${at(x(second))}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${second}</text>`
  )
  let [bounded, unbounded] = [0, 0]
  const lines = overloads.map((overload) => {
    const name = overload.service === BOUNDED ? `bounded-${++bounded}` : `unbounded-${++unbounded}`
    const points = overload.samples.map(([second, megabytes]) => `${at(x(second))},${at(y(megabytes))}`)
    return { name, label: labelOf(overload), drawn: `<polyline class="line ${name}" points="${points.join(' ')}"/>` }
  })
  const legend = lines.map(({ name, label }, n) => {
    const [left, baseline] = [LEFT, HEIGHT - BOTTOM + 52 + 20 * n]
    return (
      `<line class="line ${name}" x1="${left}" x2="${left + 32}" y1="${baseline - 4}" y2="${baseline - 4}"/>` +
      `<text x="${left + 40}" y="${baseline}">${label}</text>`
    )
  })

  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title">`,
    '<title id="title">Resident memory over time of services that are asked for more than they can do</title>',
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    `<text class="title" x="${LEFT - 40}" y="28">A service that can do 200 requests a second is asked for more</text>`,
    `<text x="${LEFT - 40}" y="50">resident memory in MB, over seconds; each request brings 100 KB and needs a worker for 50 ms</text>`,
    ...grid,
    ...seconds,
    ...lines.map(({ drawn }) => drawn),
    ...legend,
    '</svg>'
  ].join('\n')}\n`
}

/** @type {(overload: Overload) => string} */
const labelOf = ({ service, asked, peakMegabytes, cutOff }) =>
  `${service}, asked ${asked === null ? 'as fast as it goes' : `${fixed(asked)} a second`}: ` +
  `${cutOff ? 'cut off at' : 'peak'} ${fixed(peakMegabytes)} MB`
