/**
 * A mirror of tickets in a server that other processes read: Redis, memcached, PostgreSQL and others.
 *
 * @module coatcheck/stores/keyv
 */
export type { KeyvLike } from './keyv-like.js'
export { type KeyvMirror, type KeyvMirrorStats, keyvMirror } from './keyv-mirror.js'
export type { KeyvMirrorOptions, MirrorClock } from './options.js'
