import { wordIn } from '@budao/model'
import type { Fragment, Written, WrittenEndpoint, WrittenListener, WrittenService } from '../imported.ts'
import { Names } from '../names.ts'
import type { Notes } from '../notes.ts'
import type { Block } from './keepalived-block.ts'
import { readCheck } from './keepalived-checks.ts'
import { textOf } from './keepalived-syntax.ts'

/** What a `virtual_server` becomes: a listener that carries bytes, and the service behind it. */
export interface Servers {
  readonly listeners: WrittenListener[]
  readonly services: Fragment['services']
  readonly usesBackup: boolean
}

const weightMax = 1_000
/** What persists without a number does so for six minutes. */
const schedulers: Readonly<Record<string, Written>> = {
  rr: { balance: 'round-robin' },
  wrr: { balance: 'round-robin' },
  lc: { balance: 'least-connections' },
  wlc: { balance: 'least-connections' },
  sh: { balance: 'ring-hash', hashOn: { ip: true } },
  mh: { balance: 'maglev', hashOn: { ip: true } },
}

/** Reads every `virtual_server`. Endpoints are at `site`; a sorry server at `backup`, which waits for all others to be gone. */
export function readServers(blocks: readonly Block[], site: string, backup: string, notes: Notes): Servers {
  const names = new Names()
  const ports = new Set<string>()
  const made: Servers = { listeners: [], services: {}, usesBackup: false }
  let usesBackup = false
  for (const block of blocks) {
    const address = addressOf(block.statement.args)
    const service = address === undefined ? refuse(block, notes) : readService(block, site, backup, notes)
    if (address === undefined || service === undefined) continue
    const [host, port] = address
    const name = names.claim(`vs-${host}-${port}`)
    made.services[name] = service
    usesBackup ||= service.endpoints.some((endpoint) => endpoint.site === backup)
    const { statement } = block
    const free = !ports.has(port)
    ports.add(port)
    made.listeners.push({
      name,
      address: free ? `0.0.0.0:${port}` : bracket(host, port),
      protocol: 'tcp',
      service: name,
    })
    notes.add(
      'changed',
      statement,
      textOf(statement),
      free
        ? 'bytes are carried by the gateway, not by the kernel, and it listens on every address: only the holder of a virtual IP can bind it. With protocol http and a route it also gets retries and breakers'
        : 'bytes are carried by the gateway, not by the kernel; where the address is not at hand it cannot be bound: set net.ipv4.ip_nonlocal_bind to 1',
    )
  }
  return { ...made, usesBackup }
}

function refuse({ statement }: Block, notes: Notes): undefined {
  const reason = 'only an address with a port becomes a listener: no fwmark, no group'
  notes.add('lost', statement, textOf(statement), reason)
}

function readService(block: Block, site: string, backup: string, notes: Notes): WrittenService | undefined {
  const { statement } = block
  const protocol = block.text('protocol') ?? 'TCP'
  if (protocol !== 'TCP') {
    notes.add('lost', statement, textOf(statement), `${protocol} is not carried: only TCP is`)
    return undefined
  }
  const real = block.blocks('real_server')
  const endpoints = real.flatMap((server) => readEndpoint(server, site, notes))
  if (endpoints.length === 0) {
    notes.add('lost', statement, textOf(statement), 'no real_server with an address and a port is in it')
    return undefined
  }
  const sorry = block.one('sorry_server')
  const sorryAddress = sorry === undefined ? undefined : addressOf(sorry.args)
  if (sorryAddress !== undefined) endpoints.push({ address: bracket(...sorryAddress), site: backup })
  forwarding(block, notes)
  const check = readCheck(block, real, notes)
  return {
    // A sorry server waits for all others to be gone; ours would begin to help earlier.
    ...(sorryAddress === undefined
      ? {}
      : { mode: 'active-standby', priority: { overprovisioningPercent: 1000, panicPercent: 0 } }),
    endpoints,
    ...balance(block, notes),
    ...(check === undefined ? {} : { healthCheck: check }),
  }
}

function readEndpoint(server: Block, site: string, notes: Notes): WrittenEndpoint[] {
  const { statement } = server
  const address = addressOf(statement.args)
  if (address === undefined) {
    notes.add('lost', statement, textOf(statement), 'an endpoint needs an address and a port')
    return []
  }
  const weight = server.number('weight') ?? 1
  for (const each of server.all('inhibit_on_failure'))
    notes.add('default', each, textOf(each), 'connections of an unhealthy endpoint are left alone')
  return [
    {
      address: bracket(...address),
      site,
      ...(weight === 1 ? {} : { weight: Math.min(weightMax, Math.max(0, Math.round(weight))) }),
    },
  ]
}

function balance(block: Block, notes: Notes): Written {
  const scheduler = block.one('lb_algo', 'lvs_sched')
  const persistence = block.one('persistence_timeout')
  if (persistence !== undefined) {
    const reason = 'a client stays where the hash of its address says, without end'
    notes.add('changed', persistence, textOf(persistence), reason)
    return { balance: 'ring-hash', hashOn: { ip: true } }
  }
  const name = scheduler?.args[0] ?? 'wlc'
  const known = wordIn(schedulers, name)
  if (known !== undefined || scheduler === undefined) return known ?? {}
  notes.add('lost', scheduler, textOf(scheduler), 'has no counterpart: least-connections is taken')
  return schedulers['wlc']!
}

/** How packets reach a server has no meaning where the gateway opens connections of its own; who comes does. */
function forwarding(block: Block, notes: Notes): void {
  for (const each of block.all('lb_kind', 'lvs_method')) {
    const kept = each.args[0] !== 'NAT'
    if (!kept) notes.add('default', each, textOf(each), 'the gateway opens connections of its own')
    else
      notes.add(
        'changed',
        each,
        textOf(each),
        'servers see the gateway as their client, and answer it: set proxyProtocol of the service where they have to know who asks, and take the virtual IP off their loopback',
      )
  }
  for (const each of block.all('delay_loop', 'protocol')) void each
}

function addressOf(args: readonly string[]): [host: string, port: string] | undefined {
  const [host = '', port = ''] = args
  return /^[0-9a-fA-F:.]+$/.test(host) && /^\d{1,5}$/.test(port) && port !== '0' ? [host, port] : undefined
}

function bracket(host: string, port: string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
