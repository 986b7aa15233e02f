import { cost } from '../../measure/cost.mjs'
import { number, text, times, until } from '../observe.mjs'
import { board } from '../work/board.mjs'
import { order } from '../work/works.mjs'

const TASKS = 100_000
const LEVELS = 10

/** The labels in the order in which the tasks are to run. @param {number} tasks */
const wanted = (tasks) => {
  const labels = times(tasks, (label) => label)
  return times(LEVELS, (level) => labels.filter((label) => label % LEVELS === LEVELS - 1 - level)).flat()
}

/** @type {import('../types.js').Play} */
export const priorities = {
  title: 'Ten priorities among 100,000 tasks',
  what: 'The tasks are queued behind one that runs, with ten priorities in turn, and then run one at a time. *Time* is the processor time of the process for one task, queued and run, relative to that of coatcheck; Redis has its own besides. Where fewer tasks were played, their number is given.',

  async play(library, surroundings) {
    const tasks = library.most ?? TASKS
    const queue = await library.open({ concurrency: 1, prioritized: true }, surroundings)
    queue.forget('hold', { until: 1 }, { priority: LEVELS - 1 })
    await until(() => board.running === 1)
    order.length = 0
    const { cpu } = await cost(tasks, async () => {
      await Promise.all(times(tasks, (label) => queue.forget('note', { label }, { priority: label % LEVELS })))
      await until(() => (queue.queued?.() ?? tasks) >= tasks)
      board.open(1)
      await until(() => board.ended === tasks + 1)
    })
    await queue.end?.()
    const misplaced = wanted(tasks).filter((label, at) => order[at] !== label).length
    return {
      text: text(
        misplaced === 0 ? 'in order' : `${number(misplaced)} of ${number(tasks)} out of order`,
        tasks !== TASKS && `${number(tasks)} tasks`
      ),
      cost: cpu
    }
  }
}
