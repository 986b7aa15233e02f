/** The code blocks of one language in a page. */
export const blocksOf = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\b[^\\n]*\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code
  )

/**
 * A page's TypeScript, as files. A block that starts with an import is a file; a block without one goes on where the
 * last file stopped, in a scope of its own so that it may use the same names again.
 */
export const programsOf = (text: string): readonly string[] => {
  const programs: string[] = []
  for (const code of blocksOf(text, 'ts')) {
    const last = programs.pop()
    if (last === undefined) programs.push(code)
    else if (/^import /m.test(code)) programs.push(last, code)
    else programs.push(`${last}\n{\n${code}}\n`)
  }
  return programs.map((program) => `${program}\nexport {}\n`)
}
