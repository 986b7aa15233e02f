// @ts-check
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { transform } from 'esbuild'

/** @type {{ exports: Record<string, string | { import: { default: string } }>, dependencies: Record<string, string>, peerDependencies: Record<string, string> }} */
const { exports, dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))

/** The entry points: `./dist/http/index.js` is made of `src/http/index.ts`. */
const scripts = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : entry.import.default))
const names = scripts.map((script) => script.slice('./dist/'.length, -'.js'.length))

/** Resolves imports of sources, and drops their types. @type {import('rollup').Plugin} */
const typescript = {
  name: 'typescript',
  resolveId: (specifier, importer) =>
    importer !== undefined && specifier.startsWith('.')
      ? resolve(dirname(importer), specifier.replace(/\.js$/, '.ts'))
      : undefined,
  transform: (code, file) => transform(code, { loader: 'ts', target: 'node20', sourcemap: true, sourcefile: file })
}

/**
 * Turns the top-level `class A {}` into `const A = class A {}`. The binding of a declared class is a variable, which the
 * engine reads and compares at each use. The columns of the line on which a class begins move; nothing else does.
 *
 * @type {import('rollup').Plugin}
 */
const constantClasses = {
  name: 'constant-classes',
  transform(code) {
    let text = code
    for (const node of this.parse(code).body.toReversed()) {
      const declared = node.type === 'ExportNamedDeclaration' ? node.declaration : node
      if (declared?.type !== 'ClassDeclaration') continue
      // The types are those of ESTree, which leaves positions to its parsers.
      const { id, start, end } = /** @type {typeof declared & { start: number, end: number }} */ (declared)
      text = `${text.slice(0, start)}const ${id.name} = ${text.slice(start, end)};${text.slice(end)}`
    }
    return { code: text, map: null }
  }
}

/** The URL of a CommonJS file: Rollup's own expression for it is made for browsers, too. @type {import('rollup').Plugin} */
const fileUrl = {
  name: 'file-url',
  resolveImportMeta: (property, { format }) =>
    format === 'cjs' && property === 'url' ? "require('node:url').pathToFileURL(__filename).href" : undefined
}

/** @type {(format: 'esm' | 'cjs', extension: string) => import('rollup').OutputOptions} */
const output = (format, extension) => ({
  dir: 'dist',
  format,
  entryFileNames: `[name].${extension}`,
  chunkFileNames: `shared/[name]-[hash].${extension}`,
  exports: 'named',
  generatedCode: 'es2015',
  hoistTransitiveImports: false,
  sourcemap: true,
  sourcemapExcludeSources: true // the package ships `src`, so the maps point there instead of carrying a second copy
})

/**
 * The scripts of the package. What the entry points share is in shared files, once. Rollup joins modules and leaves each
 * `const` as it is; esbuild would turn it into a `var`, whose value the engine cannot rely on.
 *
 * @type {import('rollup').RollupOptions}
 */
export default {
  input: {
    ...Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    'stores/sqlite/thread': 'src/stores/sqlite/thread/thread.ts', // what the store runs in a thread of its own
    'threads/thread': 'src/threads/thread/thread.ts' // what runs in each thread of CPU work
  },
  external: [/^node:/, ...Object.keys(dependencies), ...Object.keys(peerDependencies)],
  plugins: [typescript, constantClasses, fileUrl],
  treeshake: { moduleSideEffects: false },
  output: [output('esm', 'js'), output('cjs', 'cjs')]
}
