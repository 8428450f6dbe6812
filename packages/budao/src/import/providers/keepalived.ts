import type { Imported, ImportKind, ImportOptions } from '../imported.ts'
import { Notes } from '../notes.ts'
import { adviseOn } from './keepalived-advice.ts'
import { Block } from './keepalived-block.ts'
import { readInstances } from './keepalived-instance.ts'
import { reasonFor } from './keepalived-reasons.ts'
import { readScripts } from './keepalived-script.ts'
import { readServers } from './keepalived-servers.ts'
import { parseKeepalived, textOf } from './keepalived-syntax.ts'
import { virtualIpOf } from './keepalived-virtual-ip.ts'

/** A configuration of keepalived: virtual addresses, and what its kernel balancer serves. */
export const keepalived: ImportKind = {
  name: 'keepalived',
  title: 'keepalived: vrrp_instance and virtual_server',
  detects: (text) =>
    /^[ \t]*(vrrp_instance|vrrp_script|vrrp_sync_group|virtual_server|virtual_server_group)[ \t]/m.test(text),
  read: readKeepalived,
}

function readKeepalived(text: string, options: ImportOptions): Imported {
  const { file, site, node = 'gw-1' } = options
  const notes = new Notes()
  const tree = parseKeepalived(text, file, (pattern) => options.include(pattern))
  const top = new Block({ name: file, args: [], block: tree, file, line: 1 })
  const [defs] = top.blocks('global_defs', 'global_definitions')
  const version = defs?.number('vrrp_version') === 3 ? 3 : 2
  const scripts = readScripts(top.blocks('vrrp_script'))
  const groups = top.blocks('vrrp_sync_group')
  const instances = readInstances(top.blocks('vrrp_instance'), groups, scripts, notes)
  for (const instance of instances) adviseOn(instance, notes)
  const run = new Set(instances.flatMap(({ things }) => things.map(({ script }) => script)))
  for (const script of scripts.values()) {
    if (run.has(script)) continue
    const { statement } = script.block
    notes.add('warning', statement, textOf(statement), 'no vrrp_instance tracks it: it is never run')
  }
  const [first, ...others] = instances
  for (const { block } of others)
    notes.add(
      'lost',
      block.statement,
      textOf(block.statement),
      'one virtual router is carried over: the first',
    )
  const virtualIp = first === undefined ? undefined : virtualIpOf(first, node, version, notes)
  const servers = readServers(top.blocks('virtual_server'), site, `${site}-backup`, notes)
  top.reportUnused(notes, reasonFor)
  return {
    fragment: {
      sites: servers.usesBackup ? [site, `${site}-backup`] : [site],
      listeners: servers.listeners,
      ...(virtualIp === undefined ? {} : { virtualIp }),
      services: servers.services,
      routes: [],
    },
    notes: notes.list(),
  }
}
