import { Script } from 'node:vm'

export interface PhoneScriptOptions {
  /** Syntax at most of that year. `es2016` turns async functions into plain promises, as iOS up to 15 needs. Default `es2017`. */
  readonly target?: 'es2016' | 'es2017'
  readonly minify?: boolean
  /** Packages that are replaced: `{ 'node-only': '/…/nothing.ts' }`. */
  readonly alias?: Readonly<Record<string, string>>
}

/** Bundles a module with all it imports into one script, as a mini program's build would. */
export async function phoneScript(entry: string, options: PhoneScriptOptions = {}): Promise<Script> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    // Of packages that have builds for several worlds, the one without Node.
    platform: 'browser',
    conditions: ['@budao/source'],
    target: options.target ?? 'es2017',
    minify: options.minify ?? false,
    alias: { ...options.alias },
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  })
  return new Script(outputFiles[0]!.text, { filename: `${entry.replace(/.*\//, '')}.phone.js` })
}
