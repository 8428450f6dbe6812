import type { Fragment, Written } from './imported.ts'

/**
 * Adds imported parts to a configuration as it is written. What the configuration says wins: a service that it has
 * keeps every setting it has, and gets those it lacks. Imported routes come behind its own.
 */
export function addFragment(config: Written, fragment: Fragment): Written {
  const sites = Object.fromEntries(fragment.sites.map((site) => [site, {}]))
  return withoutEmpty({
    ...config,
    sites: underlay(config['sites'], sites),
    listeners: addNamed(config['listeners'], fragment.listeners),
    ...(fragment.virtualIp === undefined
      ? {}
      : { virtualIp: underlay(config['virtualIp'], fragment.virtualIp) }),
    services: withDefaults(underlay(config['services'], fragment.services), fragment.serviceDefaults),
    routes: addNamed(config['routes'], fragment.routes),
  })
}

/** Services with what none of them says itself. */
export function withDefaults(services: unknown, defaults: Written | undefined): unknown {
  if (defaults === undefined || !isMap(services)) return services
  return Object.fromEntries(Object.entries(services).map(([name, each]) => [name, underlay(each, defaults)]))
}

/** `value` with what it does not say taken from `below`, to any depth of maps; lists are whole. */
function underlay(value: unknown, below: unknown): unknown {
  if (value === undefined) return below
  if (!isMap(value) || !isMap(below)) return value
  const result: Written = { ...value }
  for (const [key, lower] of Object.entries(below)) result[key] = underlay(value[key], lower)
  return result
}

function addNamed(list: unknown, imported: readonly Written[]): unknown {
  if (list !== undefined && !Array.isArray(list)) return list
  const own: readonly unknown[] = list ?? []
  const names = new Set(own.map((item) => (isMap(item) ? item['name'] : undefined)))
  return [...own, ...imported.filter(({ name }) => !names.has(name))]
}

/** What neither side says is left out, so that the schema says that it is missing. */
function withoutEmpty(config: Written): Written {
  return Object.fromEntries(
    Object.entries(config).filter(
      ([key, value]) => !['listeners', 'routes'].includes(key) || !Array.isArray(value) || value.length > 0,
    ),
  )
}

function isMap(value: unknown): value is Written {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
