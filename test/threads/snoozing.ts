import { snooze } from '../../src/index.js'

let left = Number.NaN

/** Says "not yet" a number of times. */
export const snoozing = (times: number): string => {
  if (Number.isNaN(left)) left = times
  if (left-- > 0) throw snooze(1)
  return 'awake'
}
