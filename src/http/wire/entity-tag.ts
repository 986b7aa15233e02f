/**
 * The tag of a revision. Weak, because two bodies may share it: one compressed and one not, or two in which only the
 * estimate of the place in the queue differs.
 *
 * @see RFC 9110, section 8.8.3
 */
export function tagOf(revision: number): string {
  return `W/"${revision}"`
}

/**
 * Whether an `If-None-Match` names this tag, by the weak comparison: `W/` counts for nothing. What cannot be read names
 * none.
 *
 * @see RFC 9110, sections 8.8.3.2 and 13.1.2
 */
function namesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return opaqueTags(ifNoneMatch).includes(opaque(tag))
}

/**
 * Which revisions a client knows, by its `If-None-Match`. `*` is whichever it would be told now.
 *
 * @param present - the revision that it would be told now
 */
export function knownRevisions(ifNoneMatch: string | undefined, present: number): (revision: number) => boolean {
  if (ifNoneMatch?.trim() === '*') return (revision) => revision === present
  return (revision) => namesTag(ifNoneMatch, tagOf(revision))
}

function opaque(tag: string): string {
  return tag.slice(tag.indexOf('"') + 1, -1)
}

/** What stands between the quotes of each tag, up to the first thing that is no tag. */
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
