import { problemOf, refusalReply } from './problems.js'
import { type HttpReply, replyWith } from './reply.js'
import type { HttpRequest } from './request.js'

/** Answers one method of one resource. */
export type Handle = (request: HttpRequest, segment: string) => HttpReply | Promise<HttpReply>

/** The methods of a resource, in the order in which `Allow` names them; OPTIONS comes with any. */
export type Methods = Readonly<Partial<Record<'GET' | 'HEAD' | 'POST' | 'DELETE', Handle>>>

/** GET, and HEAD with it: the same reply, whose body is left out in the end. */
export function readable(read: Handle): Methods {
  return { GET: read, HEAD: read }
}

/** Answers a method that a path could have, but has not here: as if there were nothing, and not named in `Allow`. */
export const absent: Handle = () => refusalReply({ problem: problemOf('NOT_FOUND') })

/** A resource that a path leads to, and the part of the path that varies. */
export interface Match {
  readonly methods: Methods
  readonly segment: string
}

/**
 * Which resource a path leads to. Two kinds of entries are enough, and no pattern is ever matched against a path:
 *
 * ```
 *  exact   /tasks  /livez  /readyz  …   one look into a map
 *  any     /tasks/:  /tasks/:/events    two looks: with the last segment as the colon, and with the one before
 * ```
 */
export class RouteTable {
  readonly #exact = new Map<string, Methods>()
  readonly #any = new Map<string, Methods>()

  /** A resource with a path of its own; methods for a path that is there already are added to it. */
  exact(path: string, methods: Methods): void {
    this.#exact.set(path, { ...this.#exact.get(path), ...methods })
  }

  /** Resources named by one segment of their path, the last or the one before, which stands as a colon. */
  any(path: string, methods: Methods): void {
    this.#any.set(path, methods)
  }

  /** The resource of a path, not decoded; `undefined` when none of these. */
  match(path: string): Match | undefined {
    const exact = this.#exact.get(path)
    if (exact !== undefined) return { methods: exact, segment: '' }
    const last = path.lastIndexOf('/')
    const before = path.lastIndexOf('/', last - 1)
    return this.#matchAny(path, last + 1, path.length) ?? this.#matchAny(path, before + 1, last)
  }

  #matchAny(path: string, start: number, end: number): Match | undefined {
    const methods = this.#any.get(`${path.slice(0, start)}:${path.slice(end)}`)
    return methods === undefined ? undefined : { methods, segment: path.slice(start, end) }
  }
}

/**
 * Answers a request to a resource. The method is judged before anything else is looked at, so that a wrong one tells
 * nothing about what exists.
 */
export async function answer({ methods, segment }: Match, request: HttpRequest): Promise<HttpReply> {
  const { method } = request
  if (method === 'OPTIONS') return replyWith(204, { headers: { Allow: allow(methods) } })
  const handle = isMethod(method, methods) ? methods[method] : undefined
  if (handle === undefined) {
    return refusalReply({ problem: problemOf('METHOD_NOT_ALLOWED'), headers: { Allow: allow(methods) } })
  }
  return handle(request, segment)
}

function isMethod(name: string, methods: Methods): name is keyof Methods {
  return Object.hasOwn(methods, name)
}

function allow(methods: Methods): string {
  const present = Object.entries(methods).filter(([, handle]) => handle !== absent)
  return [...present.map(([method]) => method), 'OPTIONS'].join(', ')
}
