import type { RawReply } from './raw.js'

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])

/** Whether Fastify refuses a request before any route sees it: for its method, or for a path that cannot be decoded. */
export function fastifyDecides(bytes: Buffer): boolean {
  const [method = '', target = ''] = bytes.toString('latin1').split(' ', 2)
  if (!METHODS.has(method) || target === '*') return true
  try {
    decodeURI(target)
    return false
  } catch {
    return true
  }
}

/** A reply without what Fastify changes in all of them: the case and the order of header names. */
export function asFastifySends({ bytes }: RawReply): string {
  const lines = bytes.split('\r\n').filter((line) => !/^date:/i.test(line))
  return lines
    .map((line) => line.replace(/^[\w-]+:/, (name) => name.toLowerCase()))
    .sort()
    .join('\n')
}
