import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { WorkerPool } from 'coatcheck'
import { Registry } from 'prom-client'
import { expect, it, onTestFinished } from 'vitest'
import { metricsServer, registerPools } from '../../examples/prometheus.js'
import { root } from '../package/run.js'

interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly metrics: readonly {
    readonly value?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly buckets?: Readonly<Record<string, string>>
  }[]
}

const parse = createRequire(import.meta.url)('parse-prometheus-text-format') as (text: string) => readonly Family[]

/** What the server of the example answers for two pools that have worked. */
const metrics = async () => {
  const pools = ['reports', 'a "quoted"\\ name'].map((name) =>
    new WorkerPool({ name, concurrency: 2, queueCapacity: 4, retry: { attempts: 2, backoffMs: 0 } }).start()
  )
  onTestFinished(() => Promise.all(pools.map((pool) => pool.stop({ graceMs: 0 }))).then(() => {}))
  for (const pool of pools) {
    for (let n = 0; n < 4; n++) pool.queueTask(() => n)
    await pool.queueTask(() => Promise.reject(new Error('no'))).settled()
    await pool.drain()
  }
  const register = new Registry()
  registerPools(pools, register)
  const server = metricsServer(register).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const get = async () => {
    const reply = await fetch(`${url}/metrics`)
    return { type: reply.headers.get('content-type'), text: await reply.text() }
  }
  return { pools, get, url }
}

it('serves the statistics of each pool, as a parser of the format reads them', async () => {
  const { pools, get, url } = await metrics()
  const { type, text } = await get()
  expect(type).toBe('text/plain; version=0.0.4; charset=utf-8')
  const families = parse(text)
  const of = (name: string) => families.find((family) => family.name === name)
  const reports = { pool: 'reports' }
  expect(of('coatcheck_workers_limit')).toMatchObject({ type: 'GAUGE', metrics: [{ value: '2', labels: reports }, {}] })
  expect(of('coatcheck_tasks_accepted_total')).toMatchObject({
    type: 'COUNTER',
    metrics: [{ value: '5', labels: reports }, { value: '5' }]
  })
  expect(of('coatcheck_tasks_settled_total')?.metrics).toContainEqual({
    value: '1',
    labels: { ...reports, outcome: 'failed' }
  })
  const [histogram] = of('coatcheck_attempt_seconds')?.metrics ?? [] // this parser has one histogram per family: the last
  expect(Object.keys(histogram?.buckets ?? {})).toHaveLength(24)
  expect(histogram?.buckets?.['+Inf']).toBe('6')
  for (const pool of pools) {
    const { sum } = pool.stats().runMs
    expect(text).toContain(`coatcheck_attempt_seconds_sum{pool=${JSON.stringify(pool.stats().name)}} ${sum / 1_000}\n`)
    expect(text).toContain(`coatcheck_attempt_seconds_count{pool=${JSON.stringify(pool.stats().name)}} 6\n`)
  }
  for (const family of families) expect(family.help).toMatch(/\.$/)
  expect((await get()).text).toBe(text) // counters do not add up with each request
  expect((await fetch(`${url}/other`)).status).toBe(404)
})

it('has a dashboard whose queries name metrics and labels that exist', async () => {
  const { get } = await metrics()
  const { text } = await get()
  const series = new Set(text.match(/^\w+(?=[{ ])/gm))
  const labels = new Set([...text.matchAll(/[{,](\w+)=/g)].map(([, label]) => label))
  const dashboard = JSON.parse(readFileSync(join(root, 'examples/grafana-dashboard.json'), 'utf8')) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
    readonly templating: { readonly list: readonly { readonly query: string }[] }
  }
  const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  const used =
    [...queries, ...dashboard.templating.list.map(({ query }) => query)].join('\n').match(/\bcoatcheck_\w+/g) ?? []
  expect(queries.length).toBeGreaterThan(10)
  for (const query of queries) expect(query).toMatch(/\bcoatcheck_\w+\{/)
  expect(used.filter((name) => !series.has(name))).toEqual([])
  const grouped = queries.flatMap((query) => [...query.matchAll(/by \(([^)]+)\)|\{(\w+)=/g)])
  const named = grouped.flatMap(([, by, matched]) => (by ?? matched ?? '').split(', '))
  expect(named.filter((label) => !labels.has(label))).toEqual([])
})
