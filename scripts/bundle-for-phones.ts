// The SDK as phones take it: whole, in ES2017, once for bundlers (ESM, CommonJS) and once for "build npm" of the developer tools.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build, type BuildOptions, type Plugin } from 'esbuild'

export interface Bundle {
  readonly name: string
  readonly text: string
}

/** Writes modules and CommonJS into `dist`, and the mini-program build into a folder of its own. */
export async function bundleForPhones(
  packageDir: string,
  dist: string,
  miniprogramDir: string,
): Promise<void> {
  rmSync(miniprogramDir, { recursive: true, force: true })
  const entries = ['index', 'core'].map((name) => join(packageDir, 'src', `${name}.ts`))
  for (const { name, text } of [
    // What both entries have in common is there once: a bundler drops what nobody imports.
    ...(await bundle(dist, { entryPoints: entries, format: 'esm', splitting: true })),
    ...(await bundle(dist, { entryPoints: entries, format: 'cjs', outExtension: { '.js': '.cjs' } })),
    ...(await bundle(miniprogramDir, { entryPoints: entries, format: 'cjs', minify: true })),
  ]) {
    mkdirSync(dirname(name), { recursive: true })
    writeFileSync(name, text)
  }
}

/** One program that imports from the SDK's sources, minified, as an app's bundler would make it. */
export async function programOf(
  source: string,
  packageDir: string,
  format: 'esm' | 'iife' = 'esm',
): Promise<string> {
  const stdin = { contents: source, resolveDir: join(packageDir, 'src'), loader: 'ts' as const }
  const [only] = await bundle('out', { stdin, format, minify: true })
  return only!.text
}

async function bundle(outdir: string, options: BuildOptions): Promise<Bundle[]> {
  const { outputFiles } = await build({
    bundle: true,
    write: false,
    outdir,
    target: 'es2017',
    conditions: ['@budao/source'],
    plugins: [plainPrivates],
    mangleProps: /^_/,
    legalComments: 'none',
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, verbatimModuleSyntax: true } },
    logLevel: 'error',
    ...options,
  } as BuildOptions & { write: false })
  return outputFiles.map(({ path, text }) => ({ name: path, text }))
}

/**
 * `#name` becomes `_name`, and that a short name: ES2017 has no private fields, and the usual way to have them, a WeakMap for each,
 * would weigh more than the code. Sound, as long as no name begins with an underscore and no class adds private
 * fields to another's: both are checked.
 */
const plainPrivates: Plugin = {
  name: 'plain-privates',
  setup({ onLoad }) {
    onLoad({ filter: /packages[\\/](miniprogram|resilience)[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      const underscored = /[.\s{]_[a-z]\w*/i.exec(text)
      if (underscored !== null)
        throw new Error(`${path}: ${underscored[0].trim()} would be taken for private`)
      const contents = text.replace(/(^|[\s.!({])#(?=[a-z])/gim, '$1_')
      if (
        contents !== text &&
        /\bextends (?!Error\b)\w+ (implements \w+ )?\{/.test(text.replace(/interface [^{]*\{/g, ''))
      )
        throw new Error(`${path}: a class with private fields extends another`)
      return { contents, loader: 'ts' }
    })
  },
}
