const { WorkerPool } = await import(process.argv[2] + '/src/index.ts')
for (const [label, opts, t] of [['refuse', {}, undefined], ['refuse rate', { rateLimit: { starts: 5, intervalMs: 1000 } }, undefined], ['accept key', 1, { key: 'a' }], ['accept plain', 1, undefined]] as any) {
  let best = Infinity
  for (let r = 0; r < 40; r++) {
    const pool = new WorkerPool({ concurrency: 1, queueCapacity: opts === 1 ? Infinity : 100, ...(opts === 1 ? {} : opts) })
    if (opts !== 1) { pool.start(); try { for (;;) pool.queueTask(() => new Promise(() => {})) } catch {} }
    const t0 = performance.now()
    for (let i = 0; i < 10_000; i++) try { pool.queueTask(() => 1, t) } catch {}
    best = Math.min(best, (performance.now() - t0) / 1e4 * 1e6)
    await pool.stop({ graceMs: 0, forceMs: 0 })
  }
  console.log(label.padEnd(24), best.toFixed(0), 'ns')
}
