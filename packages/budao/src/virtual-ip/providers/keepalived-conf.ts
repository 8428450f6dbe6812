import type { KeepalivedConfig } from '@budao/model'
import {
  judgeTakeover,
  machineDeathRange,
  type RankedNode,
  rankNodes,
  type Range,
  serviceFailureRange,
  type TakeoverTimes,
} from '@budao/model/vrrp'

/** Names within the file; what watches keepalived sees them. */
export const instanceName = 'budao'

/** `keepalived.conf` of one node, the same for the same configuration. `from` is the file it was made of. */
export function keepalivedConf(config: KeepalivedConfig, node: string, from: string): string {
  const ranked = rankNodes(config)
  const own = ranked.find(({ name }) => name === node)!
  const lines = [...head(config, node, from, ranked), '', ...globals(config, node), '']
  if (config.watch !== undefined) lines.push(...trackFile(config), '')
  lines.push(...script(config), '', ...instance(config, own, ranked))
  return `${lines.join('\n')}\n`
}

function head(config: KeepalivedConfig, node: string, from: string, ranked: readonly RankedNode[]): string[] {
  const order = ranked.map(({ name, priority }) => `${name} ${priority}`).join(', ')
  return [
    `# keepalived.conf of ${node}, written by budao keepalived render out of ${from}. Change that file, not this one.`,
    `# ${config.addresses.join(' ')} belongs to the best of: ${order}.`,
    ...times(config, ranked).map((each) => `# ${each}`),
  ]
}

/** How long the address stays with a first node that fails. */
function times(config: KeepalivedConfig, [master, backup]: readonly RankedNode[]): string[] {
  if (master === undefined || backup === undefined) return []
  const { check, watch, version, advertInterval } = config
  const takeover = judgeTakeover(master, 0, backup)
  const backupPriority = takeover.backup.well === 'fault' ? backup.priority : takeover.backup.well
  const common = { version, advertMs: advertInterval, backupPriority }
  const byCheck: TakeoverTimes = { ...common, intervalMs: check.interval, fall: check.fall }
  const byWatch = watch && { ...common, intervalMs: watch.interval, fall: watch.fall }
  const failure = serviceFailureRange(takeover.verdict, byWatch ?? byCheck)
  const backstop = byWatch && serviceFailureRange(takeover.verdict, byCheck)
  return [
    ...(failure === undefined ? [] : [`The gateway refuses: it moves within ${rangeText(failure)}.`]),
    ...(backstop === undefined ? [] : [`The watch has died too: within ${rangeText(backstop)}.`]),
    `The machine dies: within ${rangeText(machineDeathRange(byCheck))}.`,
  ]
}

function globals({ version }: KeepalivedConfig, node: string): string[] {
  return block('global_defs', [
    [`router_id ${node}`, 'in its log'],
    [`vrrp_version ${version}`],
    ['script_user nobody', 'programs need no rights: they ask the gateway'],
    ['enable_script_security', 'nor runs any that others than root could have changed'],
  ])
}

function trackFile({ watch, check }: KeepalivedConfig): string[] {
  return block('track_file budao_watch', [
    [`file "${watch!.file}"`, 'budao keepalived watch writes 0, or 1 where the gateway fails'],
    // The file's number is multiplied by it: 1 has to take away what a failing check does not add.
    [`weight ${check.weight === 0 ? 0 : -Math.abs(check.weight)}`],
    ['init_file 0', 'without a watch the check alone decides'],
  ])
}

function script({ check }: KeepalivedConfig): string[] {
  const { program, interval, timeout, fall, rise, weight } = check
  return block('vrrp_script budao_check', [
    [`script "${program}"`, 'exits 0 where the gateway is ready'],
    [`interval ${seconds(interval)}`],
    [`timeout ${seconds(timeout)}`, 'killed then, and counted as failed'],
    [`fall ${fall}`, `in a row: fails after ${fall - 1} to ${fall} intervals`],
    [`rise ${rise}`, 'in a row, until the node may have the address again'],
    [
      `weight ${weight}`,
      weight === 0 ? 'fault: a failing node is out, whatever the priorities' : weightText(weight),
    ],
    ['init_fail', 'no address before the first good answer'],
  ])
}

function weightText(weight: number): string {
  return weight > 0 ? 'added while the check passes' : 'taken away while the check fails'
}

function instance(config: KeepalivedConfig, own: RankedNode, ranked: readonly RankedNode[]): string[] {
  const { nodes, routerId, advertInterval, preempt, preemptDelay, password, addresses, notify, watch } =
    config
  const { address, interface: ownInterface = config.interface } = nodes[own.name]!
  const peers = ranked.filter(({ name }) => name !== own.name).map(({ name }) => nodes[name]!.address)
  const isOwner = own.priority === 255
  return block(`vrrp_instance ${instanceName}`, [
    isOwner
      ? ['state MASTER', 'it owns the address']
      : ['state BACKUP', 'everywhere: MASTER takes the address before it has heard anybody'],
    [`interface ${ownInterface}`],
    [`virtual_router_id ${routerId}`],
    [`priority ${own.priority}`],
    [`advert_int ${seconds(advertInterval)}`],
    ...(preempt || isOwner
      ? []
      : [line('nopreempt', 'a node that comes back leaves the address where it is')]),
    ...(preemptDelay > 0 && preempt ? [line(`preempt_delay ${seconds(preemptDelay)}`)] : []),
    ...(address === undefined
      ? []
      : [line(`unicast_src_ip ${address}`), ...nested('unicast_peer', peers.map(String))]),
    ...(password === undefined
      ? []
      : nested('authentication', ['auth_type PASS', `auth_pass ${password}`], 'sent in clear')),
    ...nested('virtual_ipaddress', addresses),
    ...nested('track_script', ['budao_check']),
    ...(watch === undefined ? [] : nested('track_file', ['budao_watch'])),
    ...(notify === undefined ? [] : [line(`notify "${notify}"`)]),
  ])
}

type Line = readonly [statement: string, comment?: string]

function line(statement: string, comment?: string): Line {
  return comment === undefined ? [statement] : [statement, comment]
}

function nested(name: string, inside: readonly string[], comment?: string): Line[] {
  return [line(`${name} {`, comment), ...inside.map((each) => line(`    ${each}`)), line('}')]
}

/** Comments stand in one column, so that a change of a value is a change of one line. */
function block(name: string, lines: readonly Line[]): string[] {
  return [
    `${name} {`,
    ...lines.map(([statement, comment]) =>
      comment === undefined ? `    ${statement}` : `    ${statement.padEnd(32)} # ${comment}`,
    ),
    '}',
  ]
}

function rangeText({ leastMs, mostMs }: Range): string {
  return `${(leastMs / 1_000).toFixed(2)} to ${(mostMs / 1_000).toFixed(2)} s`
}

function seconds(ms: number): string {
  return String(ms / 1_000)
}
