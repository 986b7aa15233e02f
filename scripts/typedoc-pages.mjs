/**
 * A plugin for TypeDoc: pages are listed under their headings instead of their file names, the landing page has one title
 * instead of two, and classes of errors are a group of their own.
 */
import { CommentTag, Converter, ReflectionKind, RendererEvent } from 'typedoc'

const HEADING = /^# (.+)\n+/

const groupErrors = (/** @type {import('typedoc').ProjectReflection} */ project) => {
  for (const { name, comment } of project.getReflectionsByKind(ReflectionKind.Class)) {
    if (name.endsWith('Error')) comment?.blockTags.push(new CommentTag('@group', [{ kind: 'text', text: 'Errors' }]))
  }
}

export const load = (/** @type {import('typedoc').Application} */ { converter, renderer }) => {
  /** @type {Map<import('typedoc').DocumentReflection, string>} */
  const headings = new Map()
  converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => {
    headings.set(page, HEADING.exec(page.content[0]?.text ?? '')?.[1] ?? page.name)
  })
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const [text] = project.readme ?? []
    if (text !== undefined) text.text = text.text.replace(HEADING, '')
    groupErrors(project)
  })
  // The addresses, which are made of the names, are fixed by now.
  renderer.on(RendererEvent.BEGIN, () => {
    for (const [page, heading] of headings) page.name = heading
  })
}
