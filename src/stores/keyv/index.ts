export type { KeyvLike } from './keyv-like.js'
export { type KeyvMirror, type KeyvMirrorStats, keyvMirror } from './keyv-mirror.js'
export type { KeyvMirrorOptions, MirrorClock } from './options.js'
