import type { Finding, Path } from './config-document.ts'
import { checkReference } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { entries, get, isObject } from './config-values.ts'
import { checkCoordination } from './providers/coordination-checks.ts'

/**
 * Listeners and a site are for gateways; what `control` names has to exist, and be said once. `written` is the file
 * without defaults: only there a site is missing.
 */
export function* checkControl(config: unknown, written: unknown): Generator<Finding> {
  if (!isObject(config)) return
  const control = get(config, 'control')
  const witness = get(control, 'witness') === true
  const listeners = get(config, 'listeners') ?? []
  // A file for the replicator alone, or for an agent, needs none either.
  const others = ['replication', 'logs'].filter((key) => isObject(get(config, key)))
  const gateway = !isObject(control) && others.length === 0 && entries(get(config, 'processes')).length === 0
  if (gateway && Array.isArray(listeners) && listeners.length === 0)
    yield { path: ['listeners'], message: 'missing', expected: 'at least one listener' }
  yield* checkSite(written, witness)
  if (!isObject(control)) return
  yield* checkCoordination(['control', 'store'], get(control, 'store'))
  const own = get(get(config, 'node'), 'name')
  const sites = get(config, 'sites')
  const addresses = new Map<unknown, string>()
  for (const [peer, settings] of entries(get(control, 'peers'))) {
    const path: Path = ['control', 'peers', peer]
    const address = get(settings, 'address')
    const other = addresses.get(address)
    const taken = peer !== own && address === get(control, 'address') ? 'this node' : other
    if (taken !== undefined && typeof address === 'string')
      yield { path: [...path, 'address'], message: `also the address of ${taken}`, found: describe(address) }
    addresses.set(address, peer)
    const [site, watches] = [get(settings, 'site'), get(settings, 'witness') === true]
    if ((site === undefined) !== watches)
      yield {
        path: [...path, watches ? 'site' : 'address'],
        message: watches ? 'a witness stands at no site' : 'neither at a site nor a witness',
        expected: 'either `site` or `witness: true`',
      }
    else yield* checkReference([...path, 'site'], site, sites, 'site')
  }
}

function* checkSite(written: unknown, witness: boolean): Generator<Finding> {
  const node = get(written, 'node')
  const site = get(node, 'site')
  const path: Path = ['node', 'site']
  if (!isObject(node)) return
  if (!witness) {
    if (site === undefined) yield { path, message: 'missing', expected: 'the site this process runs at' }
    else yield* checkReference(path, site, get(written, 'sites'), 'site')
  } else if (site !== undefined && site !== get(node, 'name'))
    yield { path, message: 'a witness stands at no site', expected: 'no `site`', found: describe(site) }
}
