/**
 * The entity tag of a revision. Weak, because two bodies may share it: one compressed and one not, or two that differ in
 * `position` only.
 *
 * @see RFC 9110, section 8.8.3
 */
export function tagOf(revision: number): string {
  return `W/"${revision}"`
}

/**
 * Whether an `If-None-Match` contains this tag, by weak comparison: `W/` is ignored. A malformed field contains none.
 *
 * @see RFC 9110, sections 8.8.3.2 and 13.1.2
 */
function namesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return opaqueTags(ifNoneMatch).includes(opaque(tag))
}

/**
 * Which revisions a client has, by its `If-None-Match`.
 *
 * @param present - the current revision, which is what `*` stands for
 */
export function knownRevisions(ifNoneMatch: string | undefined, present: number): (revision: number) => boolean {
  if (ifNoneMatch?.trim() === '*') return (revision) => revision === present
  return (revision) => namesTag(ifNoneMatch, tagOf(revision))
}

function opaque(tag: string): string {
  return tag.slice(tag.indexOf('"') + 1, -1)
}

/** The text between the quotes of each tag, up to the first element that is not a tag. */
function opaqueTags(list: string): readonly string[] {
  const tags: string[] = []
  let at = 0
  while (at < list.length) {
    while (list[at] === ' ' || list[at] === '\t' || list[at] === ',') at++
    if (list.startsWith('W/', at)) at += 2
    const end = list[at] === '"' ? list.indexOf('"', at + 1) : -1
    if (end === -1) break
    tags.push(list.slice(at + 1, end))
    at = end + 1
  }
  return tags
}
