import { describe, expectTypeOf, it } from 'vitest'
import { type Task, type TaskContext, WorkerPool } from '../../src/index.js'

describe('types of handlers with options', () => {
  it('have the input and the result of their function', () => {
    const pool = new WorkerPool({
      concurrency: 1,
      queueCapacity: 3,
      handlers: {
        resize: {
          run: async (input: { width: number }, { signal }: TaskContext) => (signal.aborted ? 0 : input.width),
          rerun: true
        },
        tick: { run: () => 'tock', timeoutMs: 5 },
        plain: (text: string) => text.length
      }
    })
    expectTypeOf(pool.queueTask('resize', { width: 1 })).toEqualTypeOf<Task<number>>()
    expectTypeOf(pool.queueTask('tick')).toEqualTypeOf<Task<string>>()
    expectTypeOf(pool.queueTask('plain', 'a')).toEqualTypeOf<Task<number>>()
  })

  it('refuse another input, and none where one is needed', () => {
    const wrong = (): void => {
      const pool = new WorkerPool({
        concurrency: 1,
        queueCapacity: 1,
        handlers: { resize: { run: (input: { width: number }) => input.width } }
      })
      // @ts-expect-error the width is a number
      pool.queueTask('resize', { width: '1' })
      // @ts-expect-error the input is missing
      pool.queueTask('resize')
    }
    expectTypeOf(wrong).toBeFunction()
  })
})
