/** The code blocks of one language in a page. */
export const blocksOf = (text: string, language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\b[^\\n]*\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code
  )

/** The name that a program gives itself in its first line, without its folder, for programs that import it. */
export const nameOf = (program: string): string | undefined => /^\/\/ (?:\S+\/)?([\w-]+\.ts)\n/.exec(program)?.[1]

/**
 * A page's TypeScript, as files. A block that has an import, or a name in its first line, is a file; another goes on where
 * the last file stopped, in a scope of its own so that it may use the same names again.
 */
export const programsOf = (text: string): readonly string[] => {
  const programs: string[] = []
  for (const code of blocksOf(text, 'ts')) {
    const last = programs.pop()
    if (last === undefined) programs.push(code)
    else if (/^import /m.test(code) || nameOf(code) !== undefined) programs.push(last, code)
    else programs.push(`${last}\n{\n${code}}\n`)
  }
  return programs.map((program) => `${program}\nexport {}\n`)
}
