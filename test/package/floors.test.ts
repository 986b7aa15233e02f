/**
 * The house has floors, and an import may only go down. A file that is not in the plan fails: give it a floor first.
 *
 * ```
 *  4 doors      index · http/index · client/index  re-exports only
 *  3 shell      worker-pool → task → …             the only place that awaits
 *  2 parts      signals · deadlines · …            never see each other, nor the shell
 *  1 contracts  ports/ · events · errors · …
 *  0 core       scheduler/                         sees itself only
 *    beside     http/                              sees itself, the contracts and the clock of the machine
 *               client/                            sees itself and the contracts, and runs in browsers too
 * ```
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { root } from './run.js'

type Floor = 'core' | 'contracts' | 'parts' | 'shell' | 'doors' | 'http' | 'client'

const plan: Record<Floor, readonly string[]> = {
  core: ['scheduler/**'],
  contracts: [
    'ports/**',
    'events.ts',
    'errors.ts',
    'options.ts',
    'settings.ts',
    'checks.ts',
    'hooks.ts',
    'slice.ts',
    'reports.ts',
    'task-record.ts',
    'task-contract.ts'
  ],
  parts: [
    'async-context.ts',
    'deadlines.ts',
    'distribution.ts',
    'retention.ts',
    'signals.ts',
    'system-clock.ts',
    'ticket-book.ts',
    'turn.ts'
  ],
  shell: [
    'worker-pool.ts',
    'pool-view.ts',
    'dispatcher.ts',
    'admission.ts',
    'pool-parts.ts',
    'attempts.ts',
    'workers.ts',
    'worker.ts',
    'outcome.ts',
    'retry.ts',
    'room-line.ts',
    'room-waiter.ts',
    'shutdown.ts',
    'task.ts',
    'task-changes.ts',
    'task-context.ts',
    'task-snapshot.ts',
    'tickets.ts',
    'unobserved.ts',
    'self-wait.ts',
    'waits.ts',
    'wait-group.ts'
  ],
  doors: ['index.ts', 'http/index.ts', 'client/index.ts'],
  http: ['http/**'],
  client: ['client/**']
}

/** What a file may import, besides files of its own floor. */
const below: Record<Floor, readonly Floor[]> = {
  core: [],
  contracts: ['core'],
  parts: ['core', 'contracts'],
  shell: ['core', 'contracts', 'parts'],
  doors: ['core', 'contracts', 'parts', 'shell'],
  http: ['contracts'],
  client: ['contracts']
}

/** Floors whose files may import each other. */
const neighbourly: ReadonlySet<Floor> = new Set<Floor>(['core', 'contracts', 'shell', 'http', 'client'])

/** Circles of which a type-only import is a part and that could not be avoided. Circles of values never pass. */
const toleratedTypeCircles: readonly (readonly string[])[] = [
  // An entry knows its lane and a lane its share, and both hold entries: cancel finds its way out without a search.
  ['scheduler/entry.ts', 'scheduler/lanes.ts', 'scheduler/shares.ts'],
  // A task knows the worker it runs in and the worker its task: cancel and the end of an attempt need no search either.
  // What is read of a task is read of all of it.
  ['task-context.ts', 'task-snapshot.ts', 'task.ts', 'worker.ts']
]

/** The one file that may touch time, timers and randomness. */
const clockFile = 'system-clock.ts'

/** The same for what runs without Node. */
const webClockFile = 'client/web-clock.ts'

const onlyRuntimeDependency = 'eventemitter3'

interface Import {
  readonly specifier: string
  /** The file in `src` it leads to, or `undefined` for a package. */
  readonly target: string | undefined
  readonly typeOnly: boolean
}

interface SourceFile {
  readonly name: string
  readonly syntax: ts.SourceFile
  readonly imports: readonly Import[]
}

const src = join(root, 'src')

const floorOf = (name: string): Floor | undefined => {
  const listed = (floor: Floor): boolean =>
    plan[floor].some((entry) => (entry.endsWith('/**') ? name.startsWith(entry.slice(0, -2)) : entry === name))
  // Doors come first: `http/index.ts` is a door that stands in the folder of another floor.
  return (['doors', 'core', 'contracts', 'parts', 'shell', 'http', 'client'] as const).find(listed)
}

const visit = (node: ts.Node, see: (node: ts.Node) => void): void => {
  see(node)
  ts.forEachChild(node, (child) => visit(child, see))
}

const isTypeOnlyImport = (node: ts.ImportDeclaration): boolean => {
  const clause = node.importClause
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const bindings = clause.namedBindings
  if (clause.name !== undefined || bindings === undefined || !ts.isNamedImports(bindings)) return false
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly)
}

const isTypeOnlyExport = (node: ts.ExportDeclaration): boolean => {
  if (node.isTypeOnly) return true
  const clause = node.exportClause
  return clause !== undefined && ts.isNamedExports(clause) && clause.elements.every((element) => element.isTypeOnly)
}

const importsOf = (name: string, syntax: ts.SourceFile): readonly Import[] => {
  const imports: Import[] = []
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const { text } = specifier
    const target = text.startsWith('.') ? posix.join(posix.dirname(name), text).replace(/\.js$/, '.ts') : undefined
    imports.push({ specifier: text, target, typeOnly })
  }
  visit(syntax, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyImport(node))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyExport(node))
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isExternalModuleReference(node)) add(node.expression, false)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
  })
  return imports
}

const files: readonly SourceFile[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts'))
  .sort()
  .map((name) => {
    const text = readFileSync(join(src, name), 'utf8')
    const syntax = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true)
    return { name, syntax, imports: importsOf(name, syntax) }
  })

const names = new Set(files.map((file) => file.name))

/** The groups of files that reach each other in a circle. */
const circles = (follow: (found: Import) => boolean): readonly (readonly string[])[] => {
  const next = new Map<string, readonly string[]>()
  for (const file of files) {
    next.set(
      file.name,
      file.imports.flatMap((found) => (found.target !== undefined && follow(found) ? [found.target] : []))
    )
  }
  const reach = (from: string): ReadonlySet<string> => {
    const seen = new Set<string>()
    const open = [...(next.get(from) ?? [])]
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (seen.has(name)) continue
      seen.add(name)
      open.push(...(next.get(name) ?? []))
    }
    return seen
  }
  const reached = new Map(files.map((file) => [file.name, reach(file.name)]))
  const groups = new Set<string>()
  for (const [name, seen] of reached) {
    if (!seen.has(name)) continue
    groups.add(
      [...seen]
        .filter((other) => reached.get(other)?.has(name))
        .sort()
        .join(' ')
    )
  }
  return [...groups].map((group) => group.split(' '))
}

const at = (file: SourceFile, node: ts.Node): string => {
  const { line } = file.syntax.getLineAndCharacterOfPosition(node.getStart())
  return `src/${file.name}:${line + 1} ${node.getText().split('\n')[0]}`
}

describe('the floors of src', () => {
  it('gives every file a floor', () => {
    expect(files.filter((file) => floorOf(file.name) === undefined).map((file) => file.name)).toEqual([])
  })

  it('plans no file twice', () => {
    const single = Object.values(plan)
      .flat()
      .filter((entry) => !entry.endsWith('/**'))
    expect(new Set(single).size).toBe(single.length)
  })

  it('lets imports go down only', () => {
    const upward = files.flatMap((file) => {
      const from = floorOf(file.name)
      if (from === undefined) return []
      return file.imports.flatMap(({ target, specifier }) => {
        if (target === undefined) return []
        const to = floorOf(target)
        const beside = (['http', 'client'] as const).find((floor) => file.name === `${floor}/index.ts`)
        const allowed: readonly Floor[] = beside === undefined ? below[from] : [beside, 'contracts']
        const isClock = from === 'http' && target === clockFile
        const fine = to !== undefined && (allowed.includes(to) || (to === from && neighbourly.has(from)) || isClock)
        return fine ? [] : [`${file.name} (${from}) imports ${specifier} (${to ?? 'no floor'})`]
      })
    })
    expect(upward).toEqual([])
  })

  it('leads every relative import to a file of src', () => {
    const lost = files.flatMap((file) =>
      file.imports.flatMap(({ target }) =>
        target !== undefined && !names.has(target) ? [`${file.name} → ${target}`] : []
      )
    )
    expect(lost).toEqual([])
  })

  it('has no circle of values', () => {
    expect(circles((found) => !found.typeOnly)).toEqual([])
  })

  it('has no circle of types but the tolerated ones', () => {
    expect(circles(() => true)).toEqual(toleratedTypeCircles)
  })

  it('has nothing but re-exports in its doors', () => {
    const other = files
      .filter((file) => floorOf(file.name) === 'doors')
      .flatMap((file) =>
        file.syntax.statements
          .filter((node) => !(ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined))
          .map((node) => at(file, node))
      )
    expect(other).toEqual([])
  })

  it('has nothing but types in its ports', () => {
    const code = files
      .filter((file) => file.name.startsWith('ports/'))
      .flatMap((file) =>
        file.syntax.statements
          .filter((node) => {
            if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return false
            if (ts.isImportDeclaration(node)) return !isTypeOnlyImport(node)
            if (ts.isExportDeclaration(node)) return !isTypeOnlyExport(node)
            return true
          })
          .map((node) => at(file, node))
      )
    expect(code).toEqual([])
  })
})

describe('what src leans on', () => {
  const packagesOf = (file: SourceFile): readonly string[] =>
    file.imports.flatMap(({ target, specifier }) => (target === undefined ? [specifier] : []))

  it('imports no package but the one dependency and Node itself', () => {
    const foreign = files.flatMap((file) =>
      packagesOf(file)
        .filter((name) => name !== onlyRuntimeDependency && !name.startsWith('node:'))
        .map((name) => `${file.name} imports ${name}`)
    )
    expect(foreign).toEqual([])
  })

  it('imports nothing at all into the core', () => {
    expect(files.filter((file) => floorOf(file.name) === 'core').flatMap(packagesOf)).toEqual([])
  })

  it('imports the emitter in at most one file', () => {
    const users = files.filter((file) => packagesOf(file).includes(onlyRuntimeDependency)).map((file) => file.name)
    expect(users.length, users.join(', ')).toBeLessThanOrEqual(1)
  })

  it('declares that one dependency, pinned, and no other', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(manifest).toHaveProperty('dependencies', {
      [onlyRuntimeDependency]: expect.stringMatching(/^\d+\.\d+\.\d+$/)
    })
    expect(manifest).not.toHaveProperty('optionalDependencies')
  })
})

describe('time, timers and randomness', () => {
  const globals = new Set([
    'performance',
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'clearImmediate',
    'randomUUID',
    'randomBytes',
    'randomInt',
    'getRandomValues'
  ])
  const members = new Set([
    'Date.now',
    'Math.random',
    'process.hrtime',
    'AbortSignal.timeout',
    'crypto.randomUUID',
    'crypto.getRandomValues'
  ])
  const modules = new Set(['node:timers', 'node:timers/promises', 'node:perf_hooks'])

  /** A name in its own right, not a member of some object (`clock.setTimeout`) nor the name of one being declared. */
  const standsAlone = (node: ts.Identifier): boolean => {
    const { parent } = node
    if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
      return ts.isIdentifier(parent.expression) && ['globalThis', 'global'].includes(parent.expression.text)
    }
    if (ts.isQualifiedName(parent)) return false
    const declaresMember =
      ts.isPropertySignature(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isPropertyAssignment(parent)
    return !(declaresMember && parent.name === node)
  }

  const touches = (node: ts.Node): boolean => {
    if (ts.isIdentifier(node)) return globals.has(node.text) && standsAlone(node)
    if (ts.isPropertyAccessExpression(node)) return members.has(node.getText())
    if (ts.isNewExpression(node)) return node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0
    if (ts.isCallExpression(node)) return node.expression.getText() === 'Date'
    return false
  }

  it(`are named in ${clockFile} and ${webClockFile} only`, () => {
    const found: string[] = []
    for (const file of files) {
      if (file.name === clockFile || file.name === webClockFile) continue
      visit(file.syntax, (node) => {
        if (touches(node)) found.push(at(file, node))
      })
      for (const { specifier } of file.imports) {
        if (modules.has(specifier)) found.push(`src/${file.name} imports ${specifier}`)
      }
    }
    expect(found).toEqual([])
  })
})
