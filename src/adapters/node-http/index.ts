/**
 * The adapter for `node:http`, `node:https` and `node:http2`, and the stop of a server in order.
 *
 * @module coatcheck/node-http
 */
export type { HttpServer } from './connections.js'
export type { ListenOptions } from './listen-options.js'
export { listenUntilSignal, type StoppablePool } from './listen-until-signal.js'
export { type NodeListenerOptions, nodeListener } from './node-listener.js'
export { type NodeRequest, type NodeResponse, requestOf } from './request-of.js'
export { sendReply } from './send-reply.js'
export type { Shutdown } from './shutdown.js'
