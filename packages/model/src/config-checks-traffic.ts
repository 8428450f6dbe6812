import type { Finding, Path } from './config-document.ts'
import { checkAtMost, checkHeader, checkReference, operand } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { entries, get, isObject, items } from './config-values.ts'
import { parseTemplate, templateExpectation, type TemplateValue } from './value-template.ts'

/** What no single value of a mirror shows. */
export function* checkMirror(path: Path, route: unknown, services: unknown): Generator<Finding> {
  const service = get(get(route, 'mirror'), 'service')
  yield* checkReference([...path, 'service'], service, services, 'service')
  const answering = [...items(get(route, 'backends')), get(route, 'fallback')].map((each) =>
    get(each, 'service'),
  )
  if (service !== undefined && answering.includes(service)) {
    yield {
      path: [...path, 'service'],
      message: 'answers here already',
      expected: 'a service of its own: its breaker and limits are shared',
      found: describe(service),
    }
  }
}

/** What no single value of `sticky` shows. */
export function* checkSticky(path: Path, route: unknown): Generator<Finding> {
  const sticky = get(route, 'sticky')
  if (!isObject(sticky)) return
  const keys = ['header', 'cookie', 'query', 'claim', 'ip'].filter((key) => get(sticky, key) !== undefined)
  if (keys.length !== 1)
    yield { path, message: 'bad value', expected: 'exactly one of header, cookie, query, claim, ip' }
  if (get(sticky, 'ttl') !== undefined && !keys.includes('cookie'))
    yield { path: [...path, 'ttl'], message: 'only with cookie' }
  if (keys.includes('claim') && !hasToken(route)) yield withoutToken([...path, 'claim'])
}

/** What no single value of an aggregate route shows. */
export function* checkAggregate(path: Path, route: unknown, services: unknown): Generator<Finding> {
  const aggregate = get(route, 'aggregate')
  const groups = pathGroups(route)
  for (const [name, part] of entries(get(aggregate, 'parts'))) {
    const at: Path = [...path, 'parts', name]
    if (reserved.has(name))
      yield {
        path: at,
        message: 'a name of the gateway’s own',
        expected: 'another name',
        found: describe(name),
      }
    yield* checkReference([...at, 'service'], get(part, 'service'), services, 'service')
    yield* checkPart(at, part, groups, hasToken(route))
    yield* checkAtMost(operand(at, part, ['timeout']), operand(path, aggregate, ['timeout']))
  }
  for (const [index, header] of items(get(aggregate, 'passHeaders')).entries())
    yield* checkOwnHeader([...path, 'passHeaders', index], header)
}

/** Members that say what is missing. */
const reserved: ReadonlySet<string> = new Set(['partial', 'reasons'])

function* checkPart(
  path: Path,
  part: unknown,
  groups: ReadonlySet<string>,
  token: boolean,
): Generator<Finding> {
  const texts: [Path, unknown][] = [[[...path, 'path'], get(part, 'path')]]
  for (const key of ['query', 'headers'] as const)
    for (const [name, text] of entries(get(part, key))) texts.push([[...path, key, name], text])
  for (const [at, text] of texts) yield* checkTemplate(at, text, groups, token)
  for (const [name] of entries(get(part, 'headers'))) yield* checkOwnHeader([...path, 'headers', name], name)
  if (get(part, 'json') !== undefined && get(part, 'method') !== 'POST')
    yield { path: [...path, 'json'], message: 'only with method POST' }
}

function* checkTemplate(
  path: Path,
  text: unknown,
  groups: ReadonlySet<string>,
  token: boolean,
): Generator<Finding> {
  if (typeof text !== 'string') return
  const template = parseTemplate(text)
  if (template === null) {
    yield { path, message: 'bad value', expected: templateExpectation, found: describe(text) }
    return
  }
  const values = template.filter((part): part is TemplateValue => typeof part !== 'string')
  if (!token && values.some(({ source }) => source === 'claim')) yield withoutToken(path)
  const missing = values.find(({ source, name }) => source === 'path' && !groups.has(name))
  if (missing === undefined) return
  yield {
    path,
    message: 'unknown part of the path',
    expected:
      groups.size === 0 ? 'a named group in `match[].path.regex`' : `one of ${[...groups].join(', ')}`,
    found: describe(missing.name),
    ...(groups.size === 0 ? { hint: `such as /users/(?<${missing.name}>[^/]+)` } : {}),
  }
}

function hasToken(route: unknown): boolean {
  return items(get(route, 'filters')).some((filter) => get(filter, 'jwt') !== undefined)
}

function withoutToken(path: Path): Finding {
  return { path, message: 'no token to take a claim from', expected: 'a `jwt` filter on this route' }
}

/** Names of groups that every match of a route has in its path expression. */
function pathGroups(route: unknown): Set<string> {
  const sets = items(get(route, 'match')).map((match) => {
    const regex = get(get(match, 'path'), 'regex')
    return typeof regex === 'string' ? [...regex.matchAll(/\(\?<(\w+)>/g)].map(([, name]) => name!) : []
  })
  const [first = [], ...others] = sets
  return new Set(first.filter((name) => others.every((names) => names.includes(name))))
}

/** Headers that say who asked and where a message ends are the gateway's in calls of its own. */
function* checkOwnHeader(path: Path, header: unknown): Generator<Finding> {
  yield* checkHeader(path, header)
  if (typeof header === 'string' && ownHeaders.has(header.toLowerCase())) {
    yield { path, message: 'written by the gateway', expected: 'another header', found: describe(header) }
  }
}

const ownHeaders: ReadonlySet<string> = new Set([
  'host',
  'expect',
  'accept-encoding',
  'proxy-connection',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-request-id',
  'traceparent',
  'tracestate',
])
