/**
 * Makes a release in the work tree: `npm run release -- minor`, or `major`, `patch`, `0.3.0`.
 *
 * npm sets the version in `package.json` and the lock file; what is unreleased in `CHANGELOG.md` gets it, and the date of
 * today. Nothing is committed, tagged or published.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parser } from 'keep-a-changelog'

const root = fileURLToPath(new URL('..', import.meta.url))
const path = `${root}CHANGELOG.md`
const [step] = process.argv.slice(2)

const changelog = parser(readFileSync(path, 'utf8'))
const unreleased = changelog.findRelease()

if (step === undefined) throw new Error('Say which release: npm run release -- minor')
if (unreleased === undefined || unreleased.isEmpty()) throw new Error('CHANGELOG.md has nothing under Unreleased.')

execFileSync('npm', ['version', step, '--no-git-tag-version'], { cwd: root, stdio: 'inherit' })
unreleased.setVersion(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).version)
unreleased.setDate(new Date())
changelog.format = 'markdownlint'
writeFileSync(path, changelog.toString())
