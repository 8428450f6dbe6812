import { isIP } from 'node:net'
import { formatDuration } from '@budao/model'
import type { Written } from '../imported.ts'
import { Names } from '../names.ts'
import type { Notes } from '../notes.ts'
import type { Instance } from './keepalived-instance.ts'
import { inside } from './keepalived-script.ts'
import { type Statement, textOf } from './keepalived-syntax.ts'

const usualGap = 10

/** The block `virtualIp` that says what an instance says. */
export function virtualIpOf(instance: Instance, node: string, version: 2 | 3, notes: Notes): Written {
  const { block } = instance
  const addresses = addressesOf(instance, notes)
  const ownVersion = block.number('version') ?? (addresses.some((each) => each.includes(':')) ? 3 : version)
  const advertMs = block.ms('advert_int') ?? 1_000
  const delayMs = block.ms('preempt_delay') ?? 0
  const preempt = !block.has('nopreempt')
  const password = passwordOf(instance, ownVersion, notes)
  const check = checkOf(instance, notes)
  const notify = block.text('notify')
  return {
    keepalived: {
      interface: block.text('interface') ?? 'eth0',
      addresses,
      routerId: block.number('virtual_router_id') ?? 51,
      nodes: nodesOf(instance, node, notes),
      version: ownVersion,
      advertInterval: formatDuration(advertMs),
      preempt,
      ...(preempt && delayMs > 0 ? { preemptDelay: formatDuration(delayMs) } : {}),
      ...(password === undefined ? {} : { password }),
      ...(check === undefined ? {} : { check }),
      ...(notify?.startsWith('/') ? { notify: notify.split(' ', 1)[0] } : {}),
    },
  }
}

function addressesOf({ block }: Instance, notes: Notes): string[] {
  const statements = [...inside(block, 'virtual_ipaddress'), ...inside(block, 'virtual_ipaddress_excluded')]
  return statements.map((statement) => {
    if (statement.args.length > 0)
      notes.add('lost', statement, textOf(statement), 'of an address only its network is carried over')
    const { name } = statement
    return name.includes('/') ? name : `${name}/${name.includes(':') ? 128 : 32}`
  })
}

/** This node first where it is the master. What the others say stands in their own files. */
function nodesOf({ block, state, member }: Instance, node: string, notes: Notes): Written {
  const names = new Names()
  const peers = inside(block, 'unicast_peer').filter(({ name }) => isIP(name) !== 0)
  const source = block.one('unicast_src_ip', 'mcast_src_ip')
  const address = source?.args[0]
  const known = peers.length > 0 && address !== undefined
  if (peers.length > 0 && address === undefined) {
    const reason = 'the own address of this node is not in the file (unicast_src_ip): adverts go by multicast'
    notes.add('lost', peers[0]!, textOf(peers[0]!), reason)
  }
  const self = { ...(known ? { address } : {}), priority: member.priority }
  const own = names.claim(node)
  const step = state === 'MASTER' ? -usualGap : usualGap
  const others = (peers.length > 0 ? peers : [undefined]).map((peer, index) => {
    const priority = Math.min(254, Math.max(1, Math.min(254, member.priority) + step * (index + 1)))
    const name = names.claim('gw-2')
    guessed(peer ?? block.statement, name, priority, notes)
    return [name, { ...(known && peer !== undefined ? { address: peer.name } : {}), priority }] as const
  })
  return Object.fromEntries(state === 'MASTER' ? [[own, self], ...others] : [...others, [own, self]])
}

function guessed(statement: Statement, name: string, priority: number, notes: Notes): void {
  const reason = `the priority of ${name} is in its own file: ${priority} is written in its place`
  notes.add('changed', statement, textOf(statement), reason)
}

function passwordOf({ block }: Instance, version: number, notes: Notes): string | undefined {
  for (const authentication of block.blocks('authentication')) {
    const type = authentication.text('auth_type')
    const password = authentication.text('auth_pass')
    const { statement } = authentication
    if (version === 3) {
      const reason = 'has no effect: version 3 of the protocol knows no authentication'
      notes.add('warning', statement, textOf(statement), reason)
    } else if (type === 'PASS' && password !== undefined) {
      // Eight characters are sent, whatever stands there.
      return password.slice(0, 8)
    } else notes.add('lost', statement, textOf(statement), 'only auth_type PASS is carried over')
  }
  return undefined
}

function checkOf({ things }: Instance, notes: Notes): Written | undefined {
  const scripts = things.flatMap(({ script, tracked, statement }) =>
    script === undefined ? [] : [{ ...script, tracked, statement }],
  )
  const [first, ...others] = scripts
  for (const { statement } of others)
    notes.add('lost', statement, textOf(statement), 'one check is carried over: the first')
  if (first === undefined) return undefined
  const { block, tracked, statement } = first
  const command = block.one('script')
  if (command !== undefined)
    notes.add('changed', command, textOf(command), 'the gateway is asked instead: check.program')
  if (tracked.reverse === true) notes.add('lost', statement, textOf(statement), 'reverse has no counterpart')
  const seconds = (ms: number): string => formatDuration(Math.max(1, Math.round(ms / 1_000)) * 1_000)
  return {
    interval: seconds(first.intervalMs),
    timeout: seconds(Math.min(first.timeoutMs, first.intervalMs)),
    fall: first.fall,
    rise: first.rise,
    weight: tracked.weight,
  }
}
