/**
 * A batch with progress and one ticket for the whole: a task of one pool queues its parts in another, slowed to the room
 * there is, and waits for them with a `WaitGroup`. Two pools, so that no batch waits for a worker that a batch holds.
 *
 * `npx tsx examples/recipes/batch.ts`
 */
import { fileURLToPath } from 'node:url'
import { WaitGroup, WorkerPool } from 'coatcheck'
import { realStage, type Stage } from '../stage.js'

export async function batch({ clock, sleep, say }: Stage): Promise<void> {
  const batches = new WorkerPool({ concurrency: 2, queueCapacity: 10, clock }).start()
  const parts = new WorkerPool({ concurrency: 2, queueCapacity: 2, clock }).start()

  const task = batches.queueTask(async ({ signal, progress }) => {
    const group = new WaitGroup()
    const files = ['a', 'b', 'c', 'd']
    let done = 0
    let failed = 0
    for (const file of files) {
      const part = await parts.queueTaskWhenFree(
        async () => {
          await sleep(100)
          if (file === 'b') throw new Error('unreadable')
        },
        { signal } // the cancel of the batch is that of its parts
      )
      const counted = part.settled().then(({ state }) => {
        if (state !== 'succeeded') failed++
        progress(++done / files.length, `${done} of ${files.length}`)
      })
      void group.track(counted)
    }
    await group.wait({ signal })
    return { files: files.length, failed }
  })

  for await (const { state, progress, result } of task.changes()) {
    if (progress !== undefined || result !== undefined)
      say(`${state}: ${progress?.message ?? ''}${result === undefined ? '' : `, ${JSON.stringify(result)}`}`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await batch(realStage())
