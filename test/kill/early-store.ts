import type { OpenStore } from '../../src/index.js'

/** A planted mistake: a store that says a batch is on disk when it has only begun to write it. */
export const earlyStore = (store: OpenStore): OpenStore => {
  let written: Promise<void> = Promise.resolve()
  return {
    ...{ unfinished: store.unfinished, finished: store.finished, lastSeq: store.lastSeq, secret: store.secret },
    write: async (batch) => {
      written = written.then(() => store.write(batch))
    },
    get: (id) => store.get(id),
    close: async () => {
      await written
      await store.close()
    }
  }
}
