import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Plugin } from 'esbuild'
import { compileStyleSheet, type StyleOwner } from './style-sheet.ts'
import { compileTemplates } from './templates.ts'

export interface ProgramOptions {
  /** The folder of `app.json`. */
  readonly root: string
  /** Gateways to use instead of those in `config.ts`, by origin and in its order. */
  readonly gateways: readonly string[]
  /** Whose signed order of channels the mini program takes, as JWK; absent: nobody's. */
  readonly channelKey?: object
}

/** What a browser loads. */
export interface BuiltProgram {
  readonly script: string
  readonly styles: string
}

/** The four files of one page or component, compiled or not yet. */
interface Unit {
  readonly path: string
  readonly isPage: boolean
  readonly json: string
  readonly styles: string
}

const runtime = join(import.meta.dirname, 'runtime')

/** Builds a mini program for the browser, as WeChat DevTools build it for the phone. Throws with what is wrong, and where. */
export async function buildProgram(options: ProgramOptions): Promise<BuiltProgram> {
  const { root, gateways } = options
  const read = (file: string): Promise<string> => readFile(join(root, file), 'utf8')
  const appJson = await read('app.json')
  const app = JSON.parse(appJson) as { pages: string[]; usingComponents?: Record<string, string> }
  const pages = await Promise.all(app.pages.map((path) => loadUnit(path, true, read)))
  const components = await loadComponents([appJson, ...pages.map(({ json }) => json)], read)
  const units = [...components, ...pages]

  const templates = new Map<string, string>()
  for (const { path } of units) templates.set(path, await read(`${path}.wxml`))
  const entry = entryOf(appJson, units, compileTemplates(templates), gateways, root)
  const shared = await read('app.wxss')
  const styles = [
    compileStyleSheet('app.wxss', shared, { kind: 'app' }),
    ...units.map((unit) => compileStyleSheet(`${unit.path}.wxss`, unit.styles, ownerOf(unit))),
  ]
  return { script: await bundle(entry, options), styles: styles.join('\n') }
}

type Read = (file: string) => Promise<string>

async function loadUnit(path: string, isPage: boolean, read: Read): Promise<Unit> {
  const [json, styles] = await Promise.all([read(`${path}.json`), read(`${path}.wxss`).catch(() => '')])
  return { path, isPage, json, styles }
}

/** Those that are used, and those that these use, each once. */
async function loadComponents(users: readonly string[], read: Read): Promise<Unit[]> {
  const units = new Map<string, Unit>()
  const waiting = [...users]
  for (let json = waiting.pop(); json !== undefined; json = waiting.pop()) {
    const { usingComponents = {} } = JSON.parse(json) as { usingComponents?: Record<string, string> }
    for (const url of Object.values(usingComponents)) {
      if (!url.startsWith('/'))
        throw new Error(`usingComponents: expected a path that begins with /, got ${url}`)
      const path = url.slice(1)
      if (units.has(path)) continue
      const unit = await loadUnit(path, false, read)
      units.set(path, unit)
      waiting.push(unit.json)
    }
  }
  return [...units.values()]
}

/** The program as the runtime takes it. Scripts run when they are asked for: `Page` has to know whose it is. */
function entryOf(
  appJson: string,
  units: readonly Unit[],
  templates: string,
  gateways: readonly string[],
  root: string,
): string {
  const definitions = units.map((unit) => {
    const path = JSON.stringify(unit.path)
    return `{ path: ${path}, isPage: ${unit.isPage}, config: ${unit.json}, styleScope: ${JSON.stringify(scopeOf(unit))},
      template: { groupList: templates, content: templates[${path}] },
      load: () => require(${JSON.stringify(join(root, `${unit.path}.ts`))}) }`
  })
  return `
    import { boot } from ${JSON.stringify(join(runtime, 'boot.ts'))}
    const templates = ${templates}
    boot({
      config: ${appJson},
      definitions: [${definitions.join(',\n')}],
      domains: ${JSON.stringify(gateways)},
      loadApp: () => require(${JSON.stringify(join(root, 'app.ts'))}),
    })`
}

async function bundle(entry: string, options: ProgramOptions): Promise<string> {
  const result = await build({
    stdin: { contents: entry, resolveDir: options.root, sourcefile: 'program.js' },
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    conditions: ['@budao/source'],
    define: { 'process.env.NODE_ENV': '"production"' },
    sourcemap: 'inline',
    logLevel: 'silent',
    plugins: [ownConfig(options)],
  })
  return result.outputFiles[0]!.text
}

/** What `config.ts` says of gateways and key becomes what those of this demo are. */
function ownConfig({ gateways, channelKey }: ProgramOptions): Plugin {
  return {
    name: 'own-config',
    setup({ onLoad }) {
      onLoad({ filter: /\/miniprogram\/config\.ts$/ }, async ({ path }) => {
        let next = 0
        const text = await readFile(path, 'utf8')
        const contents = text
          .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, (origin) => gateways[next++] ?? origin)
          .replace('| null = null', `| null = ${JSON.stringify(channelKey ?? null)}`)
        return { contents, loader: 'ts' }
      })
    },
  }
}

function ownerOf(unit: Unit): StyleOwner {
  return unit.isPage ? { kind: 'page', path: unit.path } : { kind: 'component', scope: scopeOf(unit) }
}

function scopeOf({ path, isPage }: Unit): string {
  return isPage ? '' : path.split('/').at(-1)!
}
