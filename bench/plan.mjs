/** How much of everything: the whole suite, and one that shows within a minute whether something has changed a lot. */

export const full = {
  time: { processes: 3, tasks: 100_000, warmups: 2, repeats: 5 },
  scale: { processes: 1, tasks: 100_000, warmups: 1, repeats: 2 },
  lines: { processes: 3, tasks: 100_000, warmups: 2, repeats: 3 },
  prices: { processes: 3, tasks: 40_000, warmups: 2, repeats: 5 },
  growth: { sizes: [1_000, 100_000, 1_000_000], longestMs: 4_000, huge: 10_000_000 },
  memory: { processes: 3, tasks: 100_000 },
  loop: { processes: 3, tasks: 1_000_000 },
  http: { requests: 10_000, warmups: 1, slices: 7, longestMs: 20_000 },
  held: { open: 400, warmups: 1, rounds: 3, seconds: 2, longestMs: 25_000 },
  holdLimits: { requests: 3_000 },
  crowd: { seconds: 12 },
  overload: { seconds: 10 }
}

/** @type {typeof full} */
export const quick = {
  time: { processes: 1, tasks: 20_000, warmups: 2, repeats: 5 },
  scale: { processes: 1, tasks: 200, warmups: 0, repeats: 1 },
  lines: { processes: 1, tasks: 20_000, warmups: 2, repeats: 3 },
  prices: { processes: 1, tasks: 10_000, warmups: 2, repeats: 3 },
  growth: { sizes: [1_000, 30_000], longestMs: 600, huge: 1_000_000 },
  memory: { processes: 1, tasks: 20_000 },
  loop: { processes: 1, tasks: 200_000 },
  http: { requests: 2_000, warmups: 1, slices: 2, longestMs: 20_000 },
  held: { open: 100, warmups: 0, rounds: 1, seconds: 1, longestMs: 25_000 },
  holdLimits: { requests: 200 },
  crowd: { seconds: 2 },
  overload: { seconds: 1 }
}
