/** Bytes of heap that are still held when all garbage is gone: for processes with `--expose-gc`. */
export const heap = async () => {
  for (let n = 0; n < 4; n++) {
    await new Promise((turn) => setImmediate(turn))
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}
