import { problemOf, refusalReply } from './problems.js'
import { type HttpReply, replyWith } from './reply.js'
import type { HttpRequest } from './request.js'

/** Handles one method of one resource. */
export type Handle = (request: HttpRequest, segment: string) => HttpReply | Promise<HttpReply>

/** The methods of a resource, in the order of the `Allow` header. OPTIONS is added to each resource. */
export type Methods = Readonly<Partial<Record<'GET' | 'HEAD' | 'POST' | 'DELETE', Handle>>>

/** GET and HEAD with one handler; the body of a reply to HEAD is removed at the end. */
export function readable(read: Handle): Methods {
  return { GET: read, HEAD: read }
}

/** Answers 404 to a method that this path supports only with other options. Not listed in `Allow`. */
export const absent: Handle = () => refusalReply({ problem: problemOf('NOT_FOUND') })

/** The resource of a path, and the path's variable segment. */
export interface Match {
  readonly methods: Methods
  readonly segment: string
}

/**
 * Maps paths to resources. Two kinds of entries are enough, and both are looked up in a map, without patterns:
 *
 * ```
 *  exact   /tasks  /livez  /readyz  …           one lookup
 *  any     /tasks/{id}  /tasks/{id}/events      two: with the last segment as {id}, then with the one before it
 * ```
 */
export class RouteTable {
  readonly #exact = new Map<string, Methods>()
  readonly #any = new Map<string, Methods>()

  /** Adds methods to the resource with this path. */
  exact(path: string, methods: Methods): void {
    this.#exact.set(path, { ...this.#exact.get(path), ...methods })
  }

  /**
   * Adds resources that differ in one segment of their path, the last or the one before it.
   *
   * @param path - with `{id}` for that segment; braces cannot occur in a configured path
   */
  any(path: string, methods: Methods): void {
    this.#any.set(path, methods)
  }

  /** The resource of an undecoded path, if there is one. */
  match(path: string): Match | undefined {
    const exact = this.#exact.get(path)
    if (exact !== undefined) return { methods: exact, segment: '' }
    const last = path.lastIndexOf('/')
    const before = path.lastIndexOf('/', last - 1)
    return this.#matchAny(path, last + 1, path.length) ?? this.#matchAny(path, before + 1, last)
  }

  #matchAny(path: string, start: number, end: number): Match | undefined {
    const methods = this.#any.get(`${path.slice(0, start)}{id}${path.slice(end)}`)
    return methods === undefined ? undefined : { methods, segment: path.slice(start, end) }
  }
}

/**
 * Answers a request to a resource. The method is checked first, so that a 405 does not reveal which tickets exist.
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
