/**
 * The adapter for Hono, Next.js, SvelteKit, Bun, Deno and other servers with `Request` and `Response`.
 *
 * @module coatcheck/fetch
 */
export { type FetchHandler, type FetchHandlerOptions, fetchHandler } from './fetch-handler.js'
