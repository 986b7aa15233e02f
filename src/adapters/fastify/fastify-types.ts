import type { NodeRequest, NodeResponse } from '../node-http/index.js'

/** What is needed of a Fastify application, or of a context in it. */
export interface FastifyApp {
  /** The methods of requests that it takes. */
  readonly supportedMethods: readonly string[]
  /** Whether the application has this property. */
  hasDecorator(name: string): boolean
  /** Gives the application a property. */
  decorate(name: string, value: unknown): unknown
  /** Registers what is to be done before the server closes. */
  addHook(name: 'preClose', hook: () => Promise<void>): unknown
  /** Registers what is to be done when a reply has been sent. */
  addHook(name: 'onResponse', hook: (request: FastifyRequest) => Promise<void>): unknown
  /** Registers a plugin in a context of its own. */
  register(plugin: (scope: FastifyApp) => Promise<void>, options: { readonly prefix: string }): unknown
  /** Drops the parsers of bodies that the context has inherited. */
  removeAllContentTypeParsers(): unknown
  /** Sets a parser for bodies of all types. */
  addContentTypeParser(type: '*', parser: (request: unknown, payload: unknown) => Promise<unknown>): unknown
  /** Answers some methods of a path. */
  route(options: FastifyRoute): unknown
  /** Answers the errors of the context. */
  setErrorHandler(handler: (error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown): unknown
}

/** A route, as Fastify takes it. */
export interface FastifyRoute {
  /** Its methods. */
  readonly method: string[]
  /** Its path, as a pattern of Fastify. */
  readonly url: string
  /** What the `Host` of its requests must match. */
  readonly constraints?: Readonly<Record<'host', RegExp>>
  /** Answers its requests. */
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
}

/** What is needed of Fastify's request. */
export interface FastifyRequest {
  /** Node's request. */
  readonly raw: NodeRequest & Readonly<Record<'socket', FastifySocket>>
  /** What the parser of the body returned. */
  readonly body?: unknown
}

/** What is needed of the connection of a request. */
export interface FastifySocket {
  /** Ends it when what was written has been sent. */
  end(): unknown
}

/** What is needed of Fastify's reply. */
export interface FastifyReply {
  /** Node's response. */
  readonly raw: NodeResponse
  /** Sets the status. */
  code(status: number): unknown
  /** Sets header fields. */
  headers(fields: Readonly<Record<string, string>>): unknown
  /** Sends the body through the `onSend` hooks. */
  send(body?: unknown): unknown
  /** Goes on to the 404 of the application. */
  callNotFound(): unknown
}
