/**
 * The public types of each entry point as a text in `api/`, made of the built declarations: a change of them shows in the
 * diff. Fails when a text is not up to date; `--accept` writes it.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const accept = process.argv.includes('--accept')
const reports = join(root, 'api')
const made = join(tmpdir(), `coatcheck-api-${process.pid}`)

/** @type {{ exports: Record<string, { import?: { types?: string } }> }} */
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The file of the declarations by the name of the report. */
const entries = Object.entries(exports).flatMap(([name, { import: { types } = {} }]) =>
  types === undefined ? [] : [{ name: `coatcheck${name.slice(1)}`.replaceAll('/', '-'), types: join(root, types) }]
)

/** @param {{ name: string, types: string }} entry */
const isCurrent = ({ name, types }) => {
  const silent = { default: { logLevel: ExtractorLogLevel.None } }
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: types,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2023',
            lib: ['es2023', 'esnext.disposable', 'dom', 'dom.asynciterable'],
            module: 'nodenext',
            types: ['node'],
            strict: true,
            skipLibCheck: true
          },
          files: [types]
        }
      },
      apiReport: { enabled: true, reportFileName: name, reportFolder: reports, reportTempFolder: made },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: { extractorMessageReporting: silent, tsdocMessageReporting: silent }
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json')
  })
  const { succeeded, apiReportChanged } = Extractor.invoke(config, {
    localBuild: accept,
    messageCallback: (message) => {
      message.handled = true
    }
  })
  return accept ? true : succeeded && !apiReportChanged
}

mkdirSync(reports, { recursive: true })
mkdirSync(made, { recursive: true })
const wanted = new Set(entries.map(({ name }) => `${name}.api.md`))
const stale = readdirSync(reports).filter((file) => !wanted.has(file))
if (accept) for (const file of stale) rmSync(join(reports, file))
const changed = entries.filter((entry) => !isCurrent(entry)).map(({ name }) => `api/${name}.api.md`)
rmSync(made, { recursive: true })
if (!accept) changed.push(...stale.map((file) => `api/${file}`))
if (changed.length > 0) {
  console.error(`The public types have changed:\n  ${changed.join('\n  ')}\n\`npm run api:accept\` writes them.`)
  process.exitCode = 1
}
