export { type FetchHandler, type FetchHandlerOptions, fetchHandler } from './fetch-handler.js'
