// What neither the compiler nor the linter sees: the lines of ARCHITECTURE.md and the house rules of STYLE.md.
import assert from 'node:assert/strict'
import { existsSync, globSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { errorCodes } from './packages/gateway/src/errors.ts'
import { packages, root, sourceOf } from './scripts/packages.ts'
import {
  code,
  files,
  imports,
  mentions,
  miniProgramScripts,
  packageName,
  packageOf,
  resolveImport,
  sources,
  text,
} from './scripts/source-tree.ts'
import { unitTests } from './scripts/test-files.ts'

const isTest = (file: string): boolean => file.endsWith('.test.ts')
const productSources = sources.filter(
  (file) => /^packages\/(?!testkit\/)[^/]+\/src\//.test(file) && !isTest(file),
)
const none = (found: readonly string[], rule: string): void => assert.deepEqual(found, [], rule)

test('what a package imports, it declares', () => {
  const undeclared = sources.flatMap((file) => {
    const { manifest } = packageOf(file) ?? { manifest: root }
    const bundled = manifest.miniprogram === undefined ? {} : manifest.devDependencies
    const declared = new Set([manifest.name, ...Object.keys({ ...manifest.dependencies, ...bundled })])
    // `test/` of a package holds what only its tests import.
    const toolOrTest = isTest(file) || /^packages\/[^/]+\/test\//.test(file) || manifest.private === true
    if (toolOrTest) {
      for (const name of Object.keys({ ...root.devDependencies, ...manifest.devDependencies }))
        declared.add(name)
      for (const each of packages) declared.add(each.manifest.name)
    }
    return imports(file)
      .map(({ specifier }) => packageName(specifier))
      .filter((name) => name !== undefined && !declared.has(name))
      .map((name) => `${file} imports ${name}`)
  })
  none(undeclared, 'add it to the dependencies of that package.json')
})

test('what a published package declares, it imports', () => {
  const unused = packages
    .filter(({ manifest }) => !manifest.private)
    .flatMap(({ dir, manifest }) => {
      const used = new Set(
        productSources
          .filter((file) => file.startsWith(`${dir}/`))
          .flatMap((file) => imports(file).map(({ specifier }) => packageName(specifier))),
      )
      return Object.keys(manifest.dependencies ?? {})
        .filter((name) => !used.has(name))
        .map((name) => `${dir} declares ${name}`)
    })
  none(unused, 'an unused dependency is installed by every user')
})

const roles = ['miniprogram', 'gateway', 'controller', 'replicator', 'observability', 'console']
const shared = ['@budao/model', '@budao/resilience']

test('roles import only model and resilience; those two import nothing of ours and nothing of Node', () => {
  const crossing = productSources.flatMap((file) => {
    const [, folder = ''] = file.split('/')
    const pure = folder === 'model' || folder === 'resilience'
    if (!pure && !roles.includes(folder)) return []
    const own = packageOf(file)!.manifest.name
    return imports(file)
      .filter(({ specifier }) => {
        if (pure && specifier.startsWith('node:')) return true
        if (specifier.startsWith('.'))
          return !resolveImport(file, specifier)!.startsWith(`packages/${folder}/`)
        const name = packageName(specifier) ?? ''
        if (!/^(@budao\/|budao$)/.test(name) || name === own) return false
        return pure || !shared.includes(name)
      })
      .map(({ specifier }) => `${file} imports ${specifier}`)
  })
  none(crossing, 'a noun that two roles need belongs in model')
})

test('a relative import stays inside its package', () => {
  const leaving = productSources.flatMap((file) =>
    imports(file)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .filter(({ specifier }) => !resolveImport(file, specifier)!.startsWith(`${packageOf(file)!.dir}/`))
      .map(({ specifier }) => `${file} imports ${specifier}`),
  )
  none(leaving, 'the published package would not contain it')
})

test('every import of ours leads to a file', () => {
  const missing = sources.flatMap((file) =>
    imports(file)
      .map(({ specifier }) => ({ specifier, target: resolveImport(file, specifier) }))
      .filter(({ specifier, target }) => {
        const ours = /^(\.|@budao\/|budao$)/.test(specifier) && !specifier.endsWith('.json')
        return ours && (target === undefined || !existsSync(target))
      })
      .map(({ specifier }) => `${file} imports ${specifier}`),
  )
  none(missing, 'no such file, or no such entry in exports')
})

test('no file imports itself by a detour', () => {
  const graph = new Map(
    sources.map((file) => [
      file,
      imports(file)
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ specifier }) => resolveImport(file, specifier))
        .filter((target) => target !== undefined),
    ]),
  )
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open')
      return void cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    state.set(file, 'open')
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    state.set(file, 'done')
  }
  for (const file of sources) visit(file, [])
  none(cycles, 'take what both need into a third file')
})

test('every error code of the gateway has a heading in docs/reference/errors.md with its status, and the reverse', () => {
  const documented = [...text('docs/reference/errors.md').matchAll(/^### `(\w+)` \((\d{3})\)$/gm)]
  const inDocs = documented.map(([, name, status]) => `${name} ${status}`)
  const inCode = Object.entries(errorCodes).map(([name, { status }]) => `${name} ${status}`)
  assert.deepEqual(inDocs.toSorted(), inCode.toSorted())
})

test('nothing is left over: no .only, no note to do it later, no silenced compiler', () => {
  const leftovers =
    /\b(test|it|describe|suite)\.only\(|\bonly: true|TODO|FIXME|XXX\b|@ts-(ignore|nocheck)|(eslint|oxlint)-disable(?!-next-line \S)/
  none(
    productSources.filter((file) => /\bas any\b/.test(code(file))),
    'say what it is',
  )
  none(lines(sources, leftovers), 'finish it, or file it')
})

test('brand names appear only under providers/ and transports/', () => {
  const brands =
    /kafka|etcd|redis|valkey|mysql|mariadb|elasticsearch|\bloki\b|consul|envoy|nginx|haproxy|keepalived|powerdns|weixin|alipay|douyin|wechat|istio|hystrix/i
  const named = productSources
    .filter((file) => !/\/(providers|transports)\//.test(file))
    .filter((file) => brands.test(code(file)) || brands.test(file))
  none(named, 'put it behind an interface, one file a provider')
})

test('nothing imports the values of `node:http`: each of them is asked for then, and WebSocket loads 10 to 15 MB of fetch', () => {
  // Also where it is one of two, by a condition.
  const later = /\bimport\([^)]*'node:http'/
  const atOnce = (file: string): boolean =>
    imports(file).some(({ specifier, typeOnly }) => specifier === 'node:http' && !typeOnly)
  none(
    productSources.filter((file) => !file.includes('/fuzz-') && (atOnce(file) || later.test(code(file)))),
    "const http = process.getBuiltinModule('node:http')",
  )
})

test('every source file is used, or is where something starts', () => {
  const entries = [
    ...packages.flatMap(({ dir, manifest }) =>
      [
        ...Object.values(manifest.exports ?? {}).map(sourceOf),
        ...Object.values(manifest.bin ?? {}).map((file) => file.replace(/dist\/(.*)\.js$/, 'src/$1.ts')),
      ]
        .filter((file) => file !== undefined)
        .map((file) => normalize(join(dir, file))),
    ),
    ...sources.filter((file) => file.endsWith('.bench.ts')),
    ...mentions('package.json'),
    ...miniProgramScripts,
    ...files.filter((file) => file.endsWith('.html')).flatMap(mentions),
  ]
  const used = reachable(entries)
  none(
    productSources.filter((file) => !used.has(file)),
    'only its own test uses it, or nothing does: delete it',
  )
  const usedByTests = reachable([...entries, ...sources.filter(isTest)])
  none(
    sources.filter((file) => !usedByTests.has(file)),
    'delete it, or use it',
  )
})

function reachable(entries: readonly string[]): Set<string> {
  const known = new Set(sources)
  const seen = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file) || !known.has(file)) return
    seen.add(file)
    for (const { specifier } of imports(file)) visit(resolveImport(file, specifier) ?? '')
    for (const target of mentions(file)) visit(target)
  }
  for (const entry of entries) visit(entry)
  return seen
}

/** Files that may be longer than 400 lines, each with the reason why the second noun is not there. */
const longFiles: Readonly<Record<string, string>> = {
  'packages/gateway/src/exchange/exchange.ts':
    'one state machine from head to last byte; filters, body, relay, attempts and fallback are already files of their own',
}

test('a file of more than 400 lines asks for a second look', () => {
  const long = productSources.filter((file) => text(file).split('\n').length > 401)
  assert.deepEqual(long.toSorted(), Object.keys(longFiles).toSorted(), 'look for the second noun in it')
})

test('no file names a registry or a path of the machine it was written on', () => {
  const hosts = /registry\.npm|npmmirror|verdaccio|artifactory|goproxy|pypi\./
  const paths = /(^|[\s"'`(=:])(\/work\/|\/root\/|\/home\/\w|\/Users\/\w)/
  const readable = files.filter((file) => !/\.(svg|png|ico)$/.test(file))
  none([...lines(readable, hosts), ...lines(readable, paths)], 'this works on no other machine')
})

test('all packages have one version, and ask each other for exactly that', () => {
  const wrong = packages.flatMap(({ dir, manifest }) => [
    ...(manifest.version === root.version ? [] : [`${dir} is ${manifest.version}`]),
    ...Object.entries(manifest.dependencies ?? {})
      .filter(([name, version]) => /^(@budao\/|budao$)/.test(name) && version !== root.version)
      .map(([name, version]) => `${dir} asks for ${name} ${version}`),
    ...Object.entries(manifest.dependencies ?? {})
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
      .map(([name, version]) => `${dir} does not pin ${name}: ${version}`),
  ])
  none(wrong, `expected ${root.version} everywhere`)
})

test('links between documents lead to a file, and to a heading in it', () => {
  const broken = files
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [
        ...text(file)
          .replace(/```[^]*?```/g, '')
          .matchAll(/\]\((?!\w+:)([^)\s]*)\)/g),
      ]
        .map(([, link]) => link!)
        .filter((link) => !leads(file, link))
        .map((link) => `${file} links to ${link}`),
    )
  none(broken, 'no such file or heading')
})

test('the runner finds every test', () => {
  const found = new Set([...unitTests, ...globSync('e2e/*.e2e.test.ts')])
  none(
    sources.filter((file) => isTest(file) && !found.has(file)),
    'npm test would never run it',
  )
})

function lines(among: readonly string[], pattern: RegExp): string[] {
  // This file has to name what it forbids.
  return among
    .filter((file) => file !== 'tidy.test.ts')
    .flatMap((file) =>
      text(file)
        .split('\n')
        .flatMap((line, index) =>
          pattern.test(line) ? [`${file}:${index + 1} ${line.trim().slice(0, 120)}`] : [],
        ),
    )
}

function leads(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? from : normalize(join(dirname(from), path))
  if (!existsSync(target)) return false
  if (anchor === undefined || !target.endsWith('.md')) return true
  const headings = [...text(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slug(heading!))
  return headings.includes(decodeURIComponent(anchor))
}

/** As the common renderers make it: lower case, punctuation gone, spaces to hyphens. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
