/** Plays one situation with one library. */
import { answer } from '../measure/own-process.mjs'
import { play } from './play.mjs'

await answer((/** @type {{ library: string, situation: import('./types.js').Situation, redis?: string }} */ question) =>
  play(question.library, question.situation, { redis: question.redis })
)
