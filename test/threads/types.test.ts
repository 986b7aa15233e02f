import { type Task, type TaskContext, WorkerPool } from 'coatcheck'
import { type CpuTaskOptions, cpuTask, type ThreadContext } from 'coatcheck/threads'
import { describe, expectTypeOf, it } from 'vitest'

const file = new URL('functions.mjs', import.meta.url)

type Resize = (input: { width: number }, ctx: ThreadContext) => Promise<Uint8Array>
type Plain = (input: string, ctx: TaskContext) => number
type Tick = () => 'tock'

describe('types of tasks in threads', () => {
  it('have the input and the result of their function', () => {
    const pool = new WorkerPool({
      concurrency: 1,
      queueCapacity: 3,
      handlers: {
        resize: cpuTask<Resize>({ file, export: 'resize' }),
        plain: { ...cpuTask<Plain>({ file }), rerun: true },
        tick: cpuTask<Tick>({ file })
      }
    })
    expectTypeOf(() => pool.queueTask('resize', { width: 1 })).returns.toEqualTypeOf<Task<Uint8Array>>()
    expectTypeOf(pool.queueTask('plain', 'a')).toEqualTypeOf<Task<number>>()
    expectTypeOf(pool.queueTask('tick')).toEqualTypeOf<Task<'tock'>>()
    expectTypeOf<CpuTaskOptions<Resize>['transfer']>().parameter(0).toEqualTypeOf<{ width: number }>()
  })

  it('refuse another input, and what is no function of a thread', () => {
    const wrong = (): void => {
      const handlers = { resize: cpuTask<Resize>({ file, export: 'resize' }) }
      const pool = new WorkerPool({ concurrency: 1, queueCapacity: 1, handlers })
      // @ts-expect-error the width is a number
      pool.queueTask('resize', { width: '1' })
      // @ts-expect-error the input is missing
      pool.queueTask('resize')
      // @ts-expect-error its second argument is the context
      cpuTask<(input: number, other: string) => number>({ file })
      // @ts-expect-error the file is missing
      cpuTask<Tick>({})
    }
    expectTypeOf(wrong).toBeFunction()
  })
})
