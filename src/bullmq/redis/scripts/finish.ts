/** Announces the end of a task in the step in which BullMQ settles it: its followers read it after that step. */
export function announced(lua: string): string {
  return `
redis.call('PUBLISH', KEYS[12] .. ':changes', '') -- KEYS[12]: the job
${lua}`
}
