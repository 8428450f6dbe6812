import { formatDuration } from '@budao/model'
import type { Fragment, Imported, ImportKind, ImportOptions, Written } from '../imported.ts'
import { Names } from '../names.ts'
import { Notes } from '../notes.ts'
import { parseProperties, type Property } from '../properties.ts'
import { placeholderAddress } from '../written-config.ts'
import { yamlProperties } from '../yaml-properties.ts'
import { type Meaning, meanings } from './hystrix-meanings.ts'

/** Settings of Hystrix, as properties or YAML: `hystrix.command.…`, `hystrix.threadpool.…`. */
export const hystrix: ImportKind = {
  name: 'hystrix',
  title: 'Hystrix: properties of commands and thread pools',
  detects: (text) => /^\s*["']?hystrix(\.(command|threadpool|collapser)\.|["']?\s*:)/m.test(text),
  read: readHystrix,
}

/** What holds for every command that does not say otherwise. */
const defaultKey = 'default'

interface Setting {
  readonly property: Property
  /** The command or thread pool it is for. */
  readonly key: string
  /** A key of `meanings`. */
  readonly name: string
  readonly value: string | number | boolean
}

function readHystrix(text: string, options: ImportOptions): Imported {
  const { file, site, endpoints } = options
  const notes = new Notes()
  const isYaml = /^\s*["']?hystrix["']?\s*:\s*$/m.test(text) || /\.(ya?ml|json)$/.test(file)
  const properties = isYaml ? yamlProperties(text, file) : parseProperties(text)
  const settings = properties
    .filter(({ key }) => key.startsWith('hystrix.'))
    .flatMap((property) => readSetting(property, file, notes))
  const names = new Names()
  const services: Fragment['services'] = {}
  for (const key of new Set(settings.map((setting) => setting.key))) {
    if (key === defaultKey) continue
    const name = names.claim(key)
    const own = settings.filter((setting) => setting.key === key)
    const addresses = endpoints[key] ?? endpoints[name]
    services[name] = {
      endpoints: (addresses ?? [placeholderAddress]).map((address) => ({ address, site })),
      ...serviceOf(own),
    }
    if (addresses !== undefined) continue
    const reason = `no address is known: write endpoints of the service ${name}, or use --endpoints`
    notes.add('lost', { file, line: own[0]!.property.line }, key, reason)
  }
  const defaults = serviceOf(settings.filter(({ key }) => key === defaultKey))
  const serviceDefaults = Object.keys(defaults).length === 0 ? {} : { serviceDefaults: defaults }
  return {
    fragment: { sites: [site], listeners: [], services, ...serviceDefaults, routes: [] },
    notes: notes.list(),
  }
}

function readSetting(property: Property, file: string, notes: Notes): Setting[] {
  const place = { file, line: property.line }
  const text = `${property.key}=${property.value}`
  const found = /^hystrix\.(command|threadpool)\.(.+)$/s.exec(property.key)
  const [, group = '', rest = ''] = found ?? []
  // A command's key may have dots itself: what is known stands at the end.
  const name = Object.keys(meanings)
    .filter((each) => each.startsWith(`${group}.`) && rest.endsWith(each.slice(group.length)))
    .toSorted((a, b) => b.length - a.length)[0]
  if (found === null || name === undefined) {
    notes.add('lost', place, text, 'has no counterpart')
    return []
  }
  const meaning = meanings[name]!
  if (meaning.note !== undefined) notes.add(meaning.note[0], place, text, meaning.note[1])
  const value = valueOf(property.value, meaning)
  if (value === undefined) {
    notes.add('lost', place, text, `expected ${meaning.as === 'flag' ? 'true or false' : 'a whole number'}`)
    return []
  }
  if (name === 'command.execution.timeout.enabled' && value === false)
    notes.add('lost', place, text, 'every request has a deadline: timeouts.request of the service')
  return [{ property, key: rest.slice(0, -(name.length - group.length)), name, value }]
}

function valueOf(text: string, { as = 'text' }: Meaning): Setting['value'] | undefined {
  if (as === 'text') return text
  if (as === 'flag') return /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : undefined
  return /^-?\d+$/.test(text) ? Number(text) : undefined
}

/** The settings of one command and the thread pool of its name. */
function serviceOf(settings: readonly Setting[]): Written {
  const service: Record<string, Record<string, unknown>> = {}
  const value = (name: string): Setting['value'] | undefined =>
    settings.findLast((setting) => setting.name === name)?.value
  for (const setting of settings) {
    const { path, as } = meanings[setting.name]!
    const [part, key] = path ?? []
    if (part === undefined || key === undefined) continue
    service[part] = {
      ...service[part],
      [key]: as === 'ms' ? formatDuration(Number(setting.value)) : setting.value,
    }
  }
  const concurrency =
    value('command.execution.isolation.strategy') === 'SEMAPHORE'
      ? value('command.execution.isolation.semaphore.maxConcurrentRequests')
      : (threads(value) ?? value('command.execution.isolation.semaphore.maxConcurrentRequests'))
  return {
    ...service,
    ...(value('command.circuitBreaker.enabled') === false ? { breaker: false } : {}),
    ...(concurrency === undefined ? {} : { limits: { concurrency } }),
  }
}

function threads(value: (name: string) => Setting['value'] | undefined): Setting['value'] | undefined {
  const grows = value('threadpool.allowMaximumSizeToDivergeFromCoreSize') === true
  return (grows ? value('threadpool.maximumSize') : undefined) ?? value('threadpool.coreSize')
}
