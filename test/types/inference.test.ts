import { fileURLToPath } from 'node:url'
import type TypeScript from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const file = fileURLToPath(new URL('./inference.test-d.ts', import.meta.url))

/** What a compiler has to say about the file, under the options of this repository. */
function complaints(ts: typeof TypeScript): string[] {
  const config = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config.config, { ...ts.sys, readDirectory: () => [] }, root)
  const program = ts.createProgram([file], options)
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

describe.each(['typescript', 'typescript-5.9'])('to %s', (name) => {
  it('the types infer what they should and refuse what they should', async () => {
    const { default: ts } = (await import(name)) as { default: typeof TypeScript }
    expect(complaints(ts)).toEqual([])
  })
})
